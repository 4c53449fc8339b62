# Two stages: the compiler that builds the native forwarder stays behind.
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.12-slim
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH MEDIASERVER_DATA_DIR=/data PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --create-home mediaserver && install -d -o mediaserver /data
USER mediaserver
VOLUME /data
EXPOSE 5060/udp 5060/tcp 5061/tcp 8080/tcp 8443/tcp 20000-20039/udp
ENTRYPOINT ["mediaserver"]
CMD ["run"]

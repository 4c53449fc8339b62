"""A pjsua2 phone as a process of its own: commands as JSON lines on standard input, events on standard output.

pjsua2 is GPL and keeps one library instance a process, so it is a program we talk to and never an import of ours.
Commands are ``{"do": ..., ...}``: set, call, answer, dtmf, info, hold, resume, codec, update, hangup, quit.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import sys
import time
from typing import Any

import pjsua2 as pj

STOOD_STILL_S = 0.1
"""A phone that did nothing for so long was held up by the machine: what it heard then is not what came."""


def tell(event: str, **facts: Any) -> None:
    """One event line."""
    sys.stdout.write(json.dumps({"event": event, "at": time.monotonic(), **facts}) + "\n")
    sys.stdout.flush()


class Call(pj.Call):  # type: ignore[misc]  # pjsua2 has no types
    """One call; plays the account's WAV and records what is heard."""

    def __init__(self, phone: Phone, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.player: pj.AudioMediaPlayer | None = None
        self.recorder: pj.AudioMediaRecorder | None = None

    def onCallState(self, prm: pj.OnCallStateParam) -> None:
        info = self.getInfo()
        tell("state", state=info.stateText, code=info.lastStatusCode, reason=info.lastReason)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.player = self.recorder = None
            if self.phone.call is self:
                self.phone.call = None
            tell("over", code=info.lastStatusCode)

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:
        info = self.getInfo()  # kept: its media list lives inside it
        for index, item in enumerate(info.media):
            if item.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            tell("media", status=int(item.status), dir=int(item.dir))
            if item.status != pj.PJSUA_CALL_MEDIA_ACTIVE or self.getMedia(index) is None:
                continue
            audio = self.getAudioMedia(index)
            stream = self.getStreamInfo(index)
            tell("codec", name=stream.codecName, rate=stream.codecClockRate)
            if self.player is None and self.phone.play:
                self.player = pj.AudioMediaPlayer()
                self.player.createPlayer(self.phone.play)
            if self.recorder is None and self.phone.record:
                self.recorder = pj.AudioMediaRecorder()
                self.recorder.createRecorder(self.phone.record)
            if self.player is not None:
                self.player.startTransmit(audio)
            if self.recorder is not None:
                audio.startTransmit(self.recorder)

    def onDtmfDigit(self, prm: pj.OnDtmfDigitParam) -> None:
        tell("digit", digit=prm.digit)


class Account(pj.Account):  # type: ignore[misc]  # as above
    """The registration."""

    def __init__(self, phone: Phone) -> None:
        super().__init__()
        self.phone = phone

    def onRegState(self, prm: pj.OnRegStateParam) -> None:
        tell("registration", code=prm.code, reason=prm.reason, expires=prm.expiration)

    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:
        call = Call(self.phone, prm.callId)
        tell("incoming", remote=call.getInfo().remoteUri)
        if self.phone.call is not None:
            self.phone.refused.append(call)
            call.hangup(_param(486))
            return
        self.phone.call = call
        if self.phone.answer_with:
            call.answer(_param(self.phone.answer_with))


class Phone:
    """The endpoint, its one account and its one call."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.play: str = options.get("play", "")
        self.record: str = options.get("record", "")
        self.answer_with: int = options.get("answer_with", 200)
        self.call: Call | None = None
        self.refused: list[Call] = []
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.logConfig.level = options.get("log", 1)
        config.logConfig.consoleLevel = options.get("log", 0)
        config.medConfig.noVad = True
        config.medConfig.ecTailLen = 0
        config.medConfig.clockRate = options.get("clock", 8000)
        config.medConfig.sndClockRate = options.get("clock", 8000)
        config.medConfig.quality = 10
        _hear_everything(config.medConfig)
        self.endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.boundAddress = "127.0.0.1"
        kind = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}
        self.transport: str = options.get("transport", "udp")
        if self.transport == "tls":
            transport.tlsConfig.CaListFile = options["ca_file"]
            transport.tlsConfig.verifyServer = True
        self.endpoint.transportCreate(kind[self.transport], transport)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            name = codec.codecId.split("/")[0].upper()
            wanted = [c.upper() for c in options.get("codecs", ["PCMU"])]
            priority = 250 - wanted.index(name) if name in wanted else 0
            self.endpoint.codecSetPriority(codec.codecId, priority)
        self.account = Account(self)
        self.account.create(self._account_config(options))
        self.server: str = options["server"]

    def _account_config(self, options: dict[str, Any]) -> pj.AccountConfig:
        config = pj.AccountConfig()
        user, password, domain = options["user"], options["password"], options["server"]
        suffix = "" if self.transport == "udp" else f";transport={self.transport}"
        config.idUri = f"sip:{user}@{domain}"
        config.regConfig.registrarUri = f"sip:{domain}{suffix}"
        config.regConfig.registerOnAdd = options.get("register", True)
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, password))
        if suffix:
            config.sipConfig.proxies.append(f"sip:{domain};transport={self.transport};lr")
        config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_OPTIONAL
        config.mediaConfig.transportConfig.boundAddress = options.get("media_host", "127.0.0.1")
        config.mediaConfig.lockCodecEnabled = options.get("lock_codec", False)
        return config

    def do(self, command: dict[str, Any]) -> bool:
        """Carry out one command; False ends the process."""
        what = command["do"]
        if what == "quit":
            return False
        if what == "set":
            self.play = command.get("play", self.play)
            self.record = command.get("record", self.record)
            self.answer_with = command.get("answer_with", self.answer_with)
            tell("set")
        elif what == "call":
            self.call = Call(self)
            param = pj.CallOpParam(True)
            if command.get("late_offer"):
                param.opt.flag |= pj.PJSUA_CALL_NO_SDP_OFFER
            suffix = "" if self.transport == "udp" else f";transport={self.transport}"
            self.call.makeCall(f"sip:{command['to']}@{self.server}{suffix}", param)
        elif self.call is None:
            tell("error", why=f"{what}: no call")
        else:
            self._in_call(self.call, what, command)
        return True

    def _in_call(self, call: Call, what: str, command: dict[str, Any]) -> None:
        param = pj.CallOpParam(True)
        if what == "answer":
            call.answer(_param(command.get("code", 200)))
        elif what == "dtmf":
            call.dialDtmf(command["digits"])
        elif what == "info":
            digits = pj.CallSendDtmfParam()
            digits.digits = command["digits"]
            digits.method = pj.PJSUA_DTMF_METHOD_SIP_INFO
            call.sendDtmf(digits)
        elif what == "hold":
            call.setHold(param)
        elif what == "resume":
            param.opt.flag = pj.PJSUA_CALL_UNHOLD
            call.reinvite(param)
        elif what == "update":
            call.update(param)
        elif what == "codec":
            for codec in self.endpoint.codecEnum2():
                name = codec.codecId.split("/")[0].upper()
                self.endpoint.codecSetPriority(codec.codecId, 250 if name == command["name"].upper() else 0)
            param.opt.flag = pj.PJSUA_CALL_REINIT_MEDIA
            call.reinvite(param)
        elif what == "hangup":
            call.hangup(_param(command.get("code", 200)))
        else:
            tell("error", why=f"unknown command {what}")

    def close(self) -> None:
        """Hang up, unregister, end."""
        self.endpoint.hangupAllCalls()
        for _ in range(20):
            self.endpoint.libHandleEvents(10)
        self.call = None
        self.refused.clear()
        self.account.shutdown()
        self.endpoint.libDestroy()


BUFFER_MS = 120
"""What a busy machine may hold a packet up for, a few times over."""


def _hear_everything(config: pj.MediaConfig) -> None:
    """A playout buffer of one length that throws nothing away: what is heard is what came, on its own time line.

    PJSIP's own adapts to the machine's every stall, and leaves out or repeats speech to do so.
    """
    config.jbInit = config.jbMinPre = config.jbMaxPre = BUFFER_MS
    config.jbMax = 10 * BUFFER_MS
    algorithm = config.jbDiscardAlgo  # an enumeration that the bindings hand out as a bare pointer
    ctypes.c_int.from_address(int(algorithm)).value = 0  # PJMEDIA_JB_DISCARD_NONE
    config.jbDiscardAlgo = algorithm


def _param(code: int) -> pj.CallOpParam:
    param = pj.CallOpParam()
    param.statusCode = code
    return param


def main() -> None:
    """Serve commands until ``quit`` or the end of input."""
    phone = Phone(json.loads(sys.argv[1]))
    tell("started")
    running = True
    pending = b""
    looked = time.monotonic()
    while running:
        phone.endpoint.libHandleEvents(5)
        before, looked = looked, time.monotonic()
        if looked - before > STOOD_STILL_S:
            tell("stood-still", seconds=looked - before)
        while running and select.select([sys.stdin], [], [], 0)[0]:
            piece = os.read(sys.stdin.fileno(), 65536)
            if not piece:
                running = False
                break
            pending += piece
            while b"\n" in pending and running:
                line, _, pending = pending.partition(b"\n")
                try:
                    running = phone.do(json.loads(line))
                except pj.Error as error:
                    tell("error", why=error.info())
    phone.close()
    tell("closed")


if __name__ == "__main__":
    main()

"""A meter's server side of DLMS/COSEM: associations with LN referencing, services on objects.

Left out: links (dlms_link.py) and the objects (dlms_objects.py). None, LLS, HLS with MD5, SHA-1 and
GMAC; security suite 0 with global and dedicated keys. Green Book 9.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import acse, apdu, axdr, notices
from wum_edge.meters.dlms.apdu import Attribute, Block, BlockResult, Result
from wum_edge.meters.dlms.association import REPLY_TO_HLS
from wum_edge.meters.dlms.axdr import Data
from wum_edge.meters.dlms.ciphering import PLAIN_OF, AesGcm, Counters, Keys, Security
from wum_edge.meters.dlms.digest import md5, sha1
from wum_edge.meters.dlms.errors import CounterDecreased
from wum_simulator.meters.dlms_objects import UNDEFINED, CosemObject, Refused, object_list

CONFORMANCE = acse.conformance_of((
    acse.SET_BLOCKS, acse.GET_BLOCKS, acse.ACTION_BLOCKS, acse.LISTS, acse.GET, acse.SET,
    acse.SELECTIVE, acse.ACTION))
PDU_BYTES = 1024
_ASSOCIATION_OBIS = b"\x00\x00\x28\x00\x00\xff"
_CHALLENGE = b"WUM-meter-challenge"      # A town is the same in every run: it knows no chance.


class PlainCounters(Counters):
    """Counters of a meter that never loses power, from `first` on."""

    def __init__(self, first: int = 1) -> None:
        self.next = first
        self.heard_counters: dict[str, int] = {}

    def reserve(self, context: str, count: int, least: int = 0) -> int:
        """See Counters.reserve."""
        first = max(self.next, least)
        self.next = first + count
        return first

    def heard(self, context: str) -> int:
        """See Counters.heard."""
        return self.heard_counters.get(context, -1)

    def note_heard(self, context: str, counter: int) -> None:
        """See Counters.note_heard."""
        self.heard_counters[context] = counter


@dataclass(frozen=True, slots=True)
class Client:
    """What one client may be: its mechanism and secret; what its APDUs must be protected by."""

    mechanism: int = acse.LOWEST
    secret: bytes = b""
    protection: int = 0


@dataclass(slots=True)
class Faults:
    """What the meter does wrong, or grants less of than others."""

    lists_refused: bool = False
    list_max: int = 255
    pdu_bytes: int = PDU_BYTES
    conformance: int = CONFORMANCE
    wrong_tag: bool = False          # Its ciphered answers are not genuine.
    counter_said: bool = True        # It names the counter that it expects.


@dataclass(slots=True)
class Open:
    """One open association."""

    client: Client
    security: Security | None
    pdu_bytes: int
    challenge: bytes = b""           # Of the client, where HLS is pending.
    pending: bool = False
    left: bytes = b""                # Of a long answer.
    left_number: int = 0
    left_kind: str = ""
    heard: bytes = b""               # Of a long request.
    heard_for: Attribute | None = None


class CosemMeter:
    """Objects and the clients that may reach them. `answer` takes an APDU and gives one."""

    def __init__(self, objects: list[CosemObject], clients: dict[int, Client],
                 system_title: bytes = b"WUM00001", cipher: AesGcm | None = None,
                 keys: Keys | None = None) -> None:
        self.objects = {(one.class_id, one.obis): one for one in objects}
        own = CosemObject(_ASSOCIATION_OBIS, {2: lambda: object_list(list(self.objects.values()))},
                          15)
        self.objects[(15, _ASSOCIATION_OBIS)] = own
        self.clients = clients
        self.faults = Faults()
        self.counters = PlainCounters()
        self.asked: list[str] = []
        self._title = system_title
        self._cipher = cipher
        self._keys = keys
        self._open: dict[int, Open] = {}
        self._tables: dict[type, Callable[[Open, Any], object]] = {
            apdu.GetRequest: self._get, apdu.GetList: self._get_list,
            apdu.GetNext: self._get_next, apdu.SetRequest: self._set,
            apdu.SetFirst: self._set_first, apdu.SetBlock: self._set_block,
            apdu.ActionRequest: self._act, apdu.ActionFirst: self._act_first,
            apdu.ActionBlock: self._act_block}

    def gone(self, client: int) -> None:
        """The link of this client was made anew or is no more."""
        self._open.pop(client, None)

    def answer(self, client: int, data: bytes) -> bytes:
        """The APDU that answers `data`."""
        try:
            if data[:1] == bytes([acse.AARQ_TAG]):
                return self._associate(client, acse.decode_aarq(data))
            if data[:1] == bytes([acse.RLRQ_TAG]):
                self.gone(client)
                return acse.Release(acse.RLRE_TAG, 0, b"").encode()
            opened = self._open.get(client)
            if opened is None:
                return notices.ExceptionResponse(1, 1, None).encode()
            return self._serve(opened, data)
        except CounterDecreased:
            return self._counter_refused(client)
        except MeterError:
            return notices.ExceptionResponse(1, 3, None).encode()

    def heard_counter(self, client: int) -> int:
        """The last invocation counter of this client, whoever of it said it; 0 for none."""
        return max([counter for name, counter in self.counters.heard_counters.items()
                    if name.startswith("meter/%d/" % client)], default=0)

    def _counter_refused(self, client: int) -> bytes:
        said = self.heard_counter(client) + 1 if self.faults.counter_said else None
        return notices.ExceptionResponse(1, 6, said).encode()

    def _associate(self, number: int, aarq: acse.Aarq) -> bytes:
        self.gone(number)
        client = self.clients.get(number)
        if client is None or client.mechanism != aarq.mechanism or (
                client.mechanism == acse.LLS and client.secret != aarq.secret):
            return self._rejected(aarq, 13)
        user, security = aarq.user, None
        if client.protection or client.mechanism == acse.HLS_GMAC:
            if self._cipher is None or self._keys is None or len(aarq.system_title) != 8:
                return self._rejected(aarq, 1)
            security = Security(self._cipher, self.counters, self._keys, self._title,
                                "meter/%d" % number, client.protection)
            security.begin(aarq.system_title, b"")
            if client.protection:
                user = security.unprotect(user)
        initiate = acse.decode_initiate(user)
        if security is not None:
            heard = security._heard
            security.begin(aarq.system_title, initiate.dedicated_key)
            security._heard = heard
        pending = client.mechanism >= acse.HLS
        self._open[number] = Open(client, security, initiate.pdu_bytes or 0xFFFF,
                                  aarq.secret if pending else b"", pending)
        said = acse.Initiated(self.faults.conformance & initiate.conformance,
                              self.faults.pdu_bytes).encode()
        if security is not None and client.protection:
            said = security.protect(said)
        return acse.Aare(
            aarq.context, 0, 1, 14 if pending else 0, self._title if security else b"",
            aarq.mechanism if pending else 0, _CHALLENGE if pending else b"", said).encode()

    def _rejected(self, aarq: acse.Aarq, diagnostic: int) -> bytes:
        return acse.Aare(aarq.context, 1, 1, diagnostic, b"", 0, b"",
                         notices.ServiceError(1, 6, 0).encode()).encode()

    def _serve(self, opened: Open, data: bytes) -> bytes:
        security = opened.security
        ciphered = security is not None and opened.client.protection
        if ciphered and data[0] not in PLAIN_OF and data[0] not in (0xDB, 0xDC):
            return notices.ExceptionResponse(1, 5, None).encode()
        general = data[:1] in (b"\xdb", b"\xdc")
        if ciphered and security is not None:
            data = security.unprotect(data)
        request = apdu.decode_service(data)
        serve = self._tables.get(type(request))
        if serve is None:
            return notices.ExceptionResponse(1, 2, None).encode()
        if opened.pending and not (isinstance(request, apdu.ActionRequest)
                                   and request.method == REPLY_TO_HLS):
            return notices.ExceptionResponse(1, 1, None).encode()
        try:
            answer = serve(opened, request)
        except _NotServed:
            return notices.ExceptionResponse(1, 2, None).encode()
        said = apdu.encode_service(answer)
        if ciphered and security is not None:
            said = security.protect(said, general)
            if self.faults.wrong_tag:
                said = said[:-1] + bytes([said[-1] ^ 1])
        return said

    def _object(self, attribute: Attribute) -> CosemObject:
        found = self.objects.get((attribute.class_id, attribute.obis))
        if found is None:
            raise Refused(UNDEFINED)
        return found

    def _result(self, attribute: Attribute, selection: apdu.Selection | None) -> Result:
        self.asked.append("%d/%s/%d" % (attribute.class_id, attribute.obis.hex(),
                                        attribute.number))
        try:
            return Result(0, self._object(attribute).get(attribute.number, selection))
        except Refused as refused:
            return Result(refused.code, None)

    def _get(self, opened: Open, request: "apdu.GetRequest") -> object:
        result = self._result(request.attribute, request.selection)
        answer = apdu.GetResponse(request.invoke, result)
        if result.data is None or len(apdu.encode_service(answer)) <= self._room(opened):
            return answer
        return self._first_block(opened, request.invoke, axdr.encode_data(result.data))

    def _get_list(self, opened: Open, request: "apdu.GetList") -> object:
        if self.faults.lists_refused or len(request.wanted) > self.faults.list_max:
            raise _NotServed
        results = tuple(self._result(one, selection) for one, selection in request.wanted)
        answer = apdu.GetListResponse(request.invoke, results)
        if len(apdu.encode_service(answer)) <= self._room(opened):
            return answer
        return self._first_block(opened, request.invoke, apdu.encode_results(results))

    def _room(self, opened: Open) -> int:
        return opened.pdu_bytes - (25 if opened.security is not None else 0)

    def _first_block(self, opened: Open, invoke: int, raw: bytes) -> object:
        opened.left, opened.left_number = raw, 0
        return self._next_block(opened, invoke)

    def _next_block(self, opened: Open, invoke: int) -> object:
        size = max(16, self._room(opened) - 12)
        piece, opened.left = opened.left[:size], opened.left[size:]
        opened.left_number += 1
        return apdu.GetBlock(invoke, BlockResult(
            not opened.left, opened.left_number, 0, piece))

    def _get_next(self, opened: Open, request: "apdu.GetNext") -> object:
        if not opened.left:
            return apdu.GetResponse(request.invoke, Result(16, None))
        if request.number != opened.left_number:
            return apdu.GetBlock(request.invoke, BlockResult(True, request.number, 19, b""))
        return self._next_block(opened, request.invoke)

    def _written(self, attribute: Attribute, data: Data) -> int:
        self.asked.append("set %s" % attribute.obis.hex())
        try:
            self._object(attribute).set(attribute.number, data)
        except Refused as refused:
            return refused.code
        return 0

    def _set(self, opened: Open, request: "apdu.SetRequest") -> object:
        return apdu.SetResponse(request.invoke, self._written(request.attribute, request.data))

    def _set_first(self, opened: Open, request: "apdu.SetFirst") -> object:
        opened.heard, opened.heard_for = b"", request.attribute
        return self._set_block(opened, request)

    def _set_block(self, opened: Open, request: Any) -> object:
        block: Block = request.block
        opened.heard += block.raw
        if not block.last or opened.heard_for is None:
            return apdu.SetBlockTaken(request.invoke, block.number)
        code = self._written(opened.heard_for, axdr.decode_data(opened.heard))
        return apdu.SetLastTaken(request.invoke, code, block.number)

    def _act(self, opened: Open, request: "apdu.ActionRequest") -> object:
        if request.method == REPLY_TO_HLS:
            return self._reply_to_hls(opened, request)
        return apdu.ActionResponse(request.invoke, self._done(request.method, request.data))

    def _done(self, method: Attribute, data: Data | None) -> apdu.ActionResult:
        self.asked.append("act %s" % method.obis.hex())
        try:
            found = self._object(method).act(method.number, data)
        except Refused as refused:
            return apdu.ActionResult(refused.code, None)
        return apdu.ActionResult(0, None if found is None else Result(0, found))

    def _act_first(self, opened: Open, request: "apdu.ActionFirst") -> object:
        opened.heard, opened.heard_for = b"", request.method
        return self._act_block(opened, request)

    def _act_block(self, opened: Open, request: Any) -> object:
        block: Block = request.block
        opened.heard += block.raw
        if not block.last or opened.heard_for is None:
            return apdu.ActionBlockTaken(request.invoke, block.number)
        return apdu.ActionResponse(request.invoke, self._done(
            opened.heard_for, axdr.decode_data(opened.heard)))

    def _reply_to_hls(self, opened: Open, request: "apdu.ActionRequest") -> object:
        proof = request.data.octets() if request.data is not None else b""
        if not opened.pending or proof != self._proof(opened, _CHALLENGE, proof):
            return apdu.ActionResponse(request.invoke, apdu.ActionResult(3, None))
        opened.pending = False
        ours = self._proof(opened, opened.challenge, b"")
        return apdu.ActionResponse(request.invoke, apdu.ActionResult(
            0, Result(0, axdr.octets(ours))))

    def _proof(self, opened: Open, challenge: bytes, theirs: bytes) -> bytes:
        """f() of a challenge: as the client must have it where `theirs` is given, else ours."""
        if opened.client.mechanism == acse.HLS_MD5:
            return md5(challenge + opened.client.secret)
        if opened.client.mechanism == acse.HLS_SHA1:
            return sha1(challenge + opened.client.secret)
        security = opened.security
        assert security is not None
        if theirs:
            return security.gmac(security.meter_title, int.from_bytes(theirs[1:5], "big"),
                                 challenge)
        return security.gmac(security.system_title, security.use_counter(), challenge)


class _NotServed(Exception):
    """A service that this meter does not grant."""

"""GET, SET and ACTION inside of an association: lists that are split, blocks that are joined.

Left out: the association (association.py) and what objects hold (objects.py). Green Book 9.3.
"""

from wum_edge.errors import ForeignAnswer
from wum_edge.meters.dlms import acse, apdu, axdr
from wum_edge.meters.dlms.apdu import Attribute, Block, Result, Selection
from wum_edge.meters.dlms.errors import AccessRefused, DlmsMalformed, ServiceRefused
from wum_shared.obis import obis_to_text

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.dlms.association import Association
    from wum_edge.meters.dlms.axdr import Data
    from wum_edge.meters.reader import Conversation

BLOCKS_MAX = 4096            # Of one answer.
TRANSFER_BYTES_MAX = 262144  # Of one answer, its blocks joined: a month of a wide profile.
_HEAD_BYTES = 40             # Of a block's APDU before its bytes, at most.
_ITEM_BYTES = 11             # Of one attribute in a list, without selection.


def named(attribute: Attribute) -> str:
    """An attribute for people: 1-0:1.8.0 attribute 2 (class 3)."""
    return "%s attribute %d (class %d)" % (
        obis_to_text(attribute.obis), attribute.number, attribute.class_id)


class Session:
    """Asks one meter. `list_max` is how many attributes it takes in one list; 1 means none.

    It learns: a list that the meter refuses as a whole is halved, and stays so.
    """

    def __init__(self, association: "Association", list_max: int) -> None:
        assert list_max >= 1
        self.association = association
        self.list_max = list_max
        self._invoke = 0

    def get(self, attribute: Attribute, selection: Selection | None = None,
            ) -> "Conversation[Data]":
        """Conversation: the attribute's data. Raises AccessRefused and other MeterErrors."""
        result = yield from self._one(attribute, selection)
        if result.data is None:
            raise AccessRefused(named(attribute), result.code)
        return result.data

    def get_list(self, wanted: tuple[Attribute, ...], found: list[Result]) -> "Conversation[None]":
        """Conversation: a result for each attribute, in as few requests as the meter grants, put
        to `found` as they come: what came before a failure is kept.
        """
        while len(found) < len(wanted):
            part = wanted[len(found):len(found) + self._fitting()]
            if len(part) == 1:
                one = yield from self._one(part[0], None)
                found.append(one)
                continue
            try:
                results = yield from self._list(part)
            except (ServiceRefused, AccessRefused) as error:
                if isinstance(error, AccessRefused) and error.code not in (3, 250, 14, 15):
                    raise
                self.list_max = (len(part) + 1) // 2 if len(part) > 2 else 1
                continue
            found.extend(results)

    def _fitting(self) -> int:
        """How many attributes one list may have now."""
        offered = self.association.initiated
        if not offered.offers(acse.LISTS):
            return 1
        if not offered.pdu_bytes:
            return self.list_max
        room = offered.pdu_bytes - self.association.overhead() - 4
        return max(1, min(self.list_max, room // _ITEM_BYTES))

    def set(self, attribute: Attribute, data: "Data") -> "Conversation[None]":
        """Conversation: write an attribute, in blocks where it is long. Raises AccessRefused."""
        invoke = self._next_invoke()
        whole = apdu.encode_service(apdu.SetRequest(invoke, attribute, None, data))
        if len(whole) <= self._room():
            answer = yield from self._exchange(whole, invoke)
            self._granted(answer, apdu.SetResponse, attribute)
            return
        raw = axdr.encode_data(data)
        blocks = self._blocks(raw)
        for block in blocks:
            request = (apdu.SetFirst(invoke, attribute, None, block) if block.number == 1
                       else apdu.SetBlock(invoke, block))
            answer = yield from self._exchange(apdu.encode_service(request), invoke)
            if block.last:
                self._granted(answer, apdu.SetLastTaken, attribute)
            elif type(answer) is apdu.SetResponse or type(answer) is apdu.SetLastTaken:
                raise AccessRefused(named(attribute), answer.code or 250)
            elif type(answer) is not apdu.SetBlockTaken or answer.number != block.number:
                raise DlmsMalformed("SET: block %d was not acknowledged" % block.number)

    def act(self, method: Attribute, data: "Data | None") -> "Conversation[Data | None]":
        """Conversation: invoke a method; what it returns. Raises AccessRefused."""
        invoke = self._next_invoke()
        whole = apdu.encode_service(apdu.ActionRequest(invoke, method, data))
        if len(whole) <= self._room() or data is None:
            answer = yield from self._exchange(whole, invoke)
        else:
            answer = yield from self._act_in_blocks(method, data, invoke)
        if type(answer) is apdu.ActionResponseBlock:
            raw = yield from self._rest_of_action(answer.block, invoke)
            if raw[:1] != b"\x00":       # Some meters put the data alone into their blocks.
                return axdr.decode_data(raw)
            code, result = apdu.decode_action_result(raw)
        elif type(answer) is apdu.ActionResponse:
            code, result = answer.answer
        else:
            raise DlmsMalformed("ACTION: wanted its response, got another APDU")
        if code:
            raise AccessRefused(named(method), code, True)
        if result is not None and result.code:
            raise AccessRefused(named(method), result.code)
        return result.data if result is not None else None

    def _act_in_blocks(self, method: Attribute, data: "Data", invoke: int,
                       ) -> "Conversation[object]":
        answer: object = None
        for block in self._blocks(axdr.encode_data(data)):
            request = (apdu.ActionFirst(invoke, method, block) if block.number == 1
                       else apdu.ActionBlock(invoke, block))
            answer = yield from self._exchange(apdu.encode_service(request), invoke)
            if not block.last and (type(answer) is not apdu.ActionBlockTaken
                                   or answer.number != block.number):
                if type(answer) is apdu.ActionResponse:
                    raise AccessRefused(named(method), answer.answer.code or 250, True)
                raise DlmsMalformed("ACTION: block %d was not acknowledged" % block.number)
        return answer

    def _rest_of_action(self, block: Block, invoke: int) -> "Conversation[bytes]":
        raw = bytearray(block.raw)
        wanted = 1
        while True:
            if block.number != wanted or len(raw) > TRANSFER_BYTES_MAX or wanted > BLOCKS_MAX:
                raise DlmsMalformed("ACTION: block %d where %d was due" % (block.number, wanted))
            if block.last:
                return bytes(raw)
            answer = yield from self._exchange(
                apdu.encode_service(apdu.ActionNext(invoke, wanted)), invoke)
            if type(answer) is not apdu.ActionResponseBlock:
                raise DlmsMalformed("ACTION: wanted block %d" % (wanted + 1))
            wanted += 1
            block = answer.block
            raw.extend(block.raw)

    def _one(self, attribute: Attribute, selection: Selection | None) -> "Conversation[Result]":
        invoke = self._next_invoke()
        answer = yield from self._exchange(
            apdu.encode_service(apdu.GetRequest(invoke, attribute, selection)), invoke)
        if type(answer) is apdu.GetBlock:
            raw = yield from self._joined(answer.block, invoke, named(attribute))
            return Result(0, axdr.decode_data(raw))
        if type(answer) is not apdu.GetResponse:
            raise DlmsMalformed("GET: wanted its response, got another APDU")
        found: Result = answer.result
        return found

    def _list(self, part: tuple[Attribute, ...]) -> "Conversation[tuple[Result, ...]]":
        invoke = self._next_invoke()
        request = apdu.GetList(invoke, tuple([(attribute, None) for attribute in part]))
        answer = yield from self._exchange(apdu.encode_service(request), invoke)
        what = "a list of %d" % len(part)
        if type(answer) is apdu.GetBlock:
            raw = yield from self._joined(answer.block, invoke, what)
            results = apdu.decode_results(raw)
        elif type(answer) is apdu.GetListResponse:
            results = answer.results
        elif type(answer) is apdu.GetResponse and answer.result.data is None:
            raise AccessRefused(what, answer.result.code)    # The list itself was refused.
        else:
            raise DlmsMalformed("GET: wanted the response to a list, got another APDU")
        if len(results) != len(part):
            raise DlmsMalformed("GET: wanted %d results, got %d" % (len(part), len(results)))
        return results

    def _joined(self, block: apdu.BlockResult, invoke: int, what: str) -> "Conversation[bytes]":
        """All blocks of a long answer, from the first one on."""
        raw = bytearray()
        wanted = 1
        while True:
            if block.code:
                raise AccessRefused(what, block.code)
            if block.number != wanted or wanted > BLOCKS_MAX:
                raise DlmsMalformed("GET: block %d where %d was due" % (block.number, wanted))
            raw.extend(block.raw)
            if len(raw) > TRANSFER_BYTES_MAX:
                raise DlmsMalformed("GET: an answer of more than %d bytes" % TRANSFER_BYTES_MAX)
            if block.last:
                return bytes(raw)
            answer = yield from self._exchange(
                apdu.encode_service(apdu.GetNext(invoke, wanted)), invoke)
            if type(answer) is apdu.GetResponse and answer.result.data is None:
                raise AccessRefused(what, answer.result.code)
            if type(answer) is not apdu.GetBlock:
                raise DlmsMalformed("GET: wanted block %d" % (wanted + 1))
            wanted += 1
            block = answer.block

    def _room(self) -> int:
        """Bytes of a plain APDU that the meter takes."""
        most = self.association.initiated.pdu_bytes or 0xFFFF
        return most - self.association.overhead()

    def _blocks(self, raw: bytes) -> list[Block]:
        size = max(16, self._room() - _HEAD_BYTES)
        count = (len(raw) + size - 1) // size
        return [Block(place == count - 1, place + 1, raw[place * size:(place + 1) * size])
                for place in range(count)]

    def _granted(self, answer: object, kind: type, attribute: Attribute) -> None:
        if type(answer) is apdu.SetResponse or type(answer) is apdu.SetLastTaken:
            if answer.code:
                raise AccessRefused(named(attribute), answer.code)
            if type(answer) is kind:
                return
        raise DlmsMalformed("SET: wanted its response, got another APDU")

    def _next_invoke(self) -> int:
        """Invoke-ids go round, so that an answer to an earlier request is seen as one."""
        self._invoke = (self._invoke + 1) % 16
        return apdu.INVOKE & 0xF0 | self._invoke

    def _exchange(self, request: bytes, invoke: int) -> "Conversation[object]":
        heard = yield from self.association.ask(request)
        answer = apdu.decode_service(heard)
        assert isinstance(answer, tuple)
        if answer[0] & 0x0F != invoke & 0x0F:
            raise ForeignAnswer("wanted the answer to invocation %d, got that to %d" % (
                invoke & 0x0F, answer[0] & 0x0F))
        return answer

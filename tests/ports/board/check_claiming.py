"""The claim of a board: its conversation with a head-end, which the contract's functions play, and
power that goes at every commit of its keys.
"""

from wum_edge.archive.flash import Flash
from wum_edge.enrolment.joining import Granted, Renewed, Trusted
from wum_edge.log import Log
from wum_edge.ports.micropython import enrolling, renewing
from wum_edge.ports.micropython.claiming import CODE, CRYPTO, OWN, BadKeys, Own
from wum_edge.uplink.broker import Broker, Dice
from wum_edge.uplink.keys import Keys
from wum_shared import enrolment
from wum_shared.claim import code_from_text, code_to_text, secrets_of
from wum_shared.messages import DirectionKey

ROOT_SEED, UPLINK_SECRET, AT_S = b"r" * 32, b"u" * 32, 1795316400
SIGNER = type(CRYPTO.signer)()           # Another one: the board's keeps its own seed.


class Cut(Exception):
    """The power went."""


class Memory(Flash):
    """A flash whose power goes at the commit `cut`, counted from 0."""

    def __init__(self, files=None, cut=-1):
        self.files, self._left = dict(files or {}), cut

    def names(self):
        return list(self.files)

    def size(self, name):
        return len(self.files[name])

    def read(self, name, offset, size):
        return self.files[name][offset:offset + size]

    def replace(self, name, data):
        self._commit()
        self.files[name] = bytes(data)

    def remove(self, name):
        self._commit()
        del self.files[name]

    def _commit(self):
        if self._left == 0:
            raise Cut()
        self._left -= 1


class Said(Log):
    """What would stand on the console."""

    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)

    warn = say


class Time:
    """A clock that is turned by hand."""

    def __init__(self, utc_s=AT_S):
        self.now_ms, self._utc_s = 0, utc_s

    def monotonic_ms(self):
        return self.now_ms

    def utc_s(self):
        return self._utc_s and self._utc_s + self.now_ms // 1000

    def is_set(self):
        return self._utc_s > 0


class Least(Dice):
    """Always the least."""

    def below(self, limit):
        return 0


class Wire(Broker):
    """A broker's connection: what was published stays in `sent`."""

    def __init__(self, number=1):
        self.number, self.sent, self.closed = number, [], False

    def session(self):
        return self.number

    def publish(self, to, message):
        self.sent.append((to, message))
        return True

    def tick(self):
        """Nothing comes by itself."""

    def close(self):
        self.closed = True


def trust(number, names=None):
    root = SIGNER.public(ROOT_SEED)
    return Trusted(root, enrolment.sign_trust(SIGNER, ROOT_SEED, root, enrolment.Trust(
        number, CRYPTO.agreement.public(UPLINK_SECRET), (b"o" * 32,), names or root, (), 0)),
        "utility")


def keys_of(own, epoch):
    return Keys(own.identity().concentrator, "utility", epoch,
                DirectionKey(bytes([epoch]) * 32, b"u" * 12),
                DirectionKey(b"d" * 32, bytes([epoch]) * 12))


def refused(kind, act):
    try:
        act()
    except kind as error:
        return str(error)
    raise AssertionError("it was taken")


def check_the_first_start_makes_an_identity_and_a_code_once():
    flash = Memory()
    own = Own(flash)
    own.begin()
    again = Own(flash)
    again.begin()
    assert again.code == own.code and len(code_from_text(own.code)) == 16
    assert again.identity() == own.identity() and own.identity().key == CRYPTO.signer.public(
        own.identity().seed)
    assert not own.is_granted and not own.is_enrolled and not own.is_labelled
    other = Own(Memory())
    other.begin()
    assert other.code != own.code and other.identity() != own.identity()


def check_a_code_of_a_warehouse_is_kept_and_one_that_is_none_is_refused():
    text = code_to_text(bytes(range(16)))
    own = Own(Memory({CODE: text.encode() + b"\n"}))
    own.begin()
    assert own.code == text and own.is_labelled
    flash = Memory({CODE: b"0000-0000\n"})
    said = refused(BadKeys, Own(flash).begin)
    assert "holds no claim code" in said and OWN not in flash.files


def check_damaged_keys_are_said_and_never_used():
    flash = Memory()
    Own(flash).begin()
    raw = flash.files[OWN]
    for wrong in (b"", raw[:-1], raw[:40], raw[:30] + bytes([raw[30] ^ 1]) + raw[31:], b"{}"):
        assert "keys/own is damaged" in refused(BadKeys, lambda raw=wrong: Own(Memory({OWN: raw})))


def each_power_cut_leaves_what_was_or_what_became():
    """From the first start to the second epoch, cut at every commit, then led to its end."""
    document = trust(1)
    yield
    newer = trust(2)
    yield
    cut, seen = 0, []
    while True:
        flash, epochs, known = Memory({}, cut), [], []
        try:
            for _ in _story(flash, document, newer, epochs, known):
                yield
            is_over = True
        except Cut:
            is_over = False
            seen.append(len(flash.files))
            flash = Memory(flash.files)
            for _ in _story(flash, document, newer, epochs, known):
                yield
        own = Own(flash)
        assert sorted(set(epochs)) == epochs, "an epoch was asked for twice"
        assert len(set(known)) == 1, "it became another"
        assert own.epoch_keys().epoch >= 2
        assert own.epoch_keys() == keys_of(own, own.epoch_keys().epoch)
        assert own.trusted() == newer and own.code == "" and CODE not in flash.files
        assert own.passwords() == ["another password of it", "a password of the broker"]
        if is_over:
            break
        cut += 1
    assert cut > 6, cut


def _story(flash, document, newer, epochs, known):
    own = Own(flash)
    own.begin()
    yield
    known.append(own.identity())
    if not own.is_granted:
        assert own.code and own.claim()
        own.keep_grant(Granted(document, "a password of the broker", b"an order"))
        assert own.first_order() == b"an order"
    while not own.is_enrolled or own.epoch_keys().epoch < 2 or own.trusted() != newer:
        is_first = not own.is_enrolled
        opening = own.begin_epoch()
        yield
        epoch = enrolment.open_opening(
            CRYPTO.verifier, own.identity().key, opening.message()).epoch
        assert epoch not in epochs
        epochs.append(epoch)
        yield
        own.keep_renewed(Renewed(document if is_first else newer, keys_of(own, epoch),
                                 None if is_first else "another password of it"), AT_S)


def each_step_of_a_claim_is_asked_and_answered():
    flash, time, log, wires = Memory(), Time(), Said(), []
    own = Own(flash)
    own.begin()
    yield

    def connect(user, passwords, subscription, heard):
        wires.append((Wire(), user, passwords(), subscription, heard))
        return wires[-1][0]
    joining = enrolling.Enrolling(own, connect, time, log)
    assert "not claimed yet" in joining.words() and own.code not in joining.words()
    for _ in range(3):
        assert not joining.tick()
        yield
    wire, user, passwords, subscription, heard = wires[-1]
    code = own.code
    secrets = secrets_of(own.claim())
    assert passwords == [secrets.password] and subscription == "wum/0/%s/down/enrol" % user
    assert len(wire.sent) == 1, "once, until it is time"
    time.now_ms += enrolling.AGAIN_MS
    joining.tick()
    assert len(wire.sent) == 2 and wire.sent[0] == wire.sent[1]
    to, message = wire.sent[0]
    assert to == "wum/0/%s/up/enrol" % user
    request = enrolment.open_request(CRYPTO.verifier, secrets.name, secrets.enrol, message)
    yield
    assert request.identity_key == own.identity().key
    first = trust(1)
    yield
    heard(to, b"what is this")
    joining.tick()
    assert "what came is no answer" in log.lines[-1] and not own.is_granted
    heard(to, enrolment.seal_grant(CRYPTO.cipher, secrets.name, secrets.grant, 5, enrolment.Grant(
        request.nonce, first.root_key, first.document, "utility", "a password of the broker",
        b"")))
    joining.tick()
    yield
    assert own.is_granted and wire.closed and "claimed" in joining.words()
    for _ in range(2):
        assert not joining.tick()
        yield
    wire, user, passwords, _, heard = wires[-1]
    assert passwords == ["a password of the broker"] and len(wires) == 2
    keys = answered(own, wire.sent[0][1], lambda said: heard("", said), first, None)
    yield
    joining.tick()
    assert joining.tick() and own.is_enrolled
    assert (own.epoch_keys().uplink, own.epoch_keys().downlink) == keys
    assert own.code == "" and own.opened_s == time.utc_s()
    assert own.is_code(code) and own.is_code(code.lower()), "the console still knows it"
    assert not own.is_code(code_to_text(bytes(16))) and not own.is_code("") and (
        not own.is_code("0" + code[1:-1] + ("1" if code[-1] == "0" else "0")))
    assert code not in flash.files[OWN].decode()


def answered(own, message, heard, document, password):
    """What a head-end answers to an opening: the keys of both directions."""
    opening = enrolment.open_opening(CRYPTO.verifier, own.identity().key, message)
    keys = enrolment.epoch_keys(CRYPTO.agreement, UPLINK_SECRET, opening.ephemeral_key,
                                document.document, opening.concentrator, opening.epoch)
    heard(enrolment.seal_opened(
        CRYPTO.cipher, keys[1], opening.concentrator, opening.epoch, "utility", 9,
        enrolment.Opened([], password)))
    return keys


def each_day_brings_new_keys_and_nobody_elses():
    flash, log, first, taken = Memory(), Said(), trust(1), []
    yield
    own = Own(flash)
    own.begin()
    yield
    own.keep_grant(Granted(first, "a password of the broker", b""))
    opening = own.begin_epoch()
    yield
    own.keep_renewed(Renewed(first, keys_of(own, 1), None), AT_S)
    time, wire = Time(), Wire()
    one = renewing.Renewing(own, flash, wire, time, Least(), lambda *new: taken.append(new), log)
    one.tick()
    time.now_ms = (renewing.EPOCH_S - 1) * 1000
    one.tick()
    assert wire.sent == [], "its keys are not a day old"
    time.now_ms += 2000
    one.tick()
    yield
    (_, message), = wire.sent
    one.heard(b"nonsense")
    one.tick()
    assert "is no answer to our opening" in log.lines[-1] and not taken
    keys = answered(own, message, one.heard, first, "another password of it")
    yield
    one.tick()
    (new, counter), = taken
    assert (new.epoch, new.uplink, new.downlink) == (2, keys[0], keys[1]) and counter
    assert Own(flash).epoch_keys() == new and own.passwords()[0] == "another password of it"
    assert opening.message() != message


def each_clock_that_was_never_set_is_waited_for_and_not_for_ever():
    own, first = Own(Memory()), trust(1)
    yield
    own.begin()
    own.keep_grant(Granted(first, "a password of the broker", b""))
    own.keep_renewed(Renewed(first, keys_of(own, 1), None), 0)
    yield
    time, wire = Time(0), Wire()
    one = renewing.Renewing(own, Memory(), wire, time, Least(), None, Said())
    one.tick()
    time.now_ms = renewing.CLOCK_MS - 1
    one.tick()
    assert wire.sent == []
    time.now_ms += 1
    one.tick()
    time.now_ms += renewing.EPOCH_S * 1000
    one.tick()
    assert len(wire.sent) == 1


"""A dialogue with a modem that says whatever it likes: it ends, in words, and never crashes."""

from wum_edge.ports.micropython import dialling

LINES = ("OK", "ERROR", "+CME ERROR: 10", "+CME ERROR: x", "+CPIN: READY", "+CPIN: SIM PIN",
         "+CPIN:", "+SPIC: 3,10,3,10", "+SPIC: ,", "+CSQ: 99,99", "+CSQ: ,", "+CSQ: 12,1",
         "+CEREG: 0,1", "+CEREG: 0,3", "+CEREG: 1", "+CEREG: ,", "+CGREG: 0,\"1\"", "CONNECT",
         "NO CARRIER", "RDY", "AT", "", "~~~~", "+CPIN: SIM PUK2")


def check_whatever_a_modem_says_it_ends_in_words_or_connected():
    state, ends = 1, {}
    for turn in range(300):
        talk, lines, said = dialling.dialogue("a", "1234", lambda words, more: None), None, []
        try:
            while True:
                said.append(talk.send(lines)[0])
                lines = []
                for _ in range((state >> 9) % 4):
                    state = (state * 1103515245 + 12345) & 0x3FFFFFFF
                    lines.append(LINES[(state >> 10) % len(LINES)])
                state = (state * 1103515245 + 12345) & 0x3FFFFFFF
                lines = lines + ["OK"] if turn % 2 and state & 512 else lines
        except dialling.NoLink as error:
            assert str(error)
            ends[str(error)[:12]] = 1
        except StopIteration:
            assert said[-1] == "ATD*99***1#"
            ends["connected"] = 1
        assert len([one for one in said if one.startswith("AT+CPIN=")]) <= 1
        yield
    assert len(ends) > 4, ends

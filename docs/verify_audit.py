"""Verify an export of the audit trail with nothing of WUM: python verify_audit.py FILE [ANCHOR]

Needs Python alone. FILE is what `wum-cloud audit export`, the console or the API gave; ANCHOR, an
older export or the file of `wum-cloud audit verify --anchor`, says which ends were there before.
Ends with how many entries hold, or with the first thing that is wrong.
"""

import base64
import hashlib
import json
import re
import sys


def lines(name):
    with open(name, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def hash_of(entry, before):
    """SHA-256 of the hash before it and of the fields, as JSON without a space."""
    fields = [entry[name] for name in (
        "chain", "number", "at", "account", "address", "act", "subject", "detail")]
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(before + text.encode()).digest()


def names(export, entries):
    """Each pseudonym fits its word; one without a word was forgotten by an entry that says so."""
    words = set()
    for one in [one for one in export if "pseudonym" in one]:
        digest = hashlib.sha256(bytes.fromhex(one["salt"]) + one["text"].encode()).digest()
        if one["pseudonym"] != "@" + base64.b32encode(digest).decode().lower()[:26]:
            sys.exit(f"{one['text']} is not who {one['pseudonym']} stands for")
        words.add((one["chain"], one["pseudonym"]))
    forgotten = {(e["chain"], e["subject"]) for e in entries if e["act"] == "account forgotten"}
    for e in entries:
        whose = {e["address"]: e["account"].split(" ")[0]}      # Forgotten with its account.
        said = " ".join([e["account"], e["address"], e["subject"], *e["detail"].values()])
        for found in re.findall("@[a-z2-7]{26}", said):
            if ((e["chain"], found) not in words
                    and (e["chain"], whose.get(found, found)) not in forgotten):
                sys.exit(f"entry {e['number']}: whom {found} stands for is gone")


def verify(export, anchor):
    """How many entries there are. Ends the program at the first fault."""
    ends, count = {}, 0
    seen = {}                                           # (chain, number): hash, in hexadecimal.
    entries = [one for one in export if "act" in one]
    names(export, entries)
    for entry in entries:
        number, before = ends.get(entry["chain"], (0, bytes(32)))
        where = f"chain {entry['chain']}, entry {entry['number']}"
        if entry["number"] != number + 1:
            sys.exit(f"{where}: wanted entry {number + 1}: something is gone, or stands twice")
        digest = hash_of(entry, before)
        if bytes.fromhex(entry["previous_hash"]) != before or digest.hex() != entry["hash"]:
            sys.exit(f"{where}: it was changed, or what stands before it was")
        ends[entry["chain"]] = (entry["number"], digest)
        seen[entry["chain"], entry["number"]] = digest.hex()
        count += 1
    heads = {one["chain"]: (one["head"], bytes.fromhex(one["hash"]))
             for one in export if "head" in one}
    if heads != ends:
        sys.exit("a chain does not end where its head says: its end is gone")
    for one in [one for one in anchor if "head" in one]:
        if seen.get((one["chain"], one["head"])) != one["hash"]:
            sys.exit(f"chain {one['chain']}: entry {one['head']} is not the one that was noted")
    return count


if __name__ == "__main__":
    found = verify(lines(sys.argv[1]), lines(sys.argv[2]) if len(sys.argv) > 2 else [])
    print(f"{found} entries: whole.")

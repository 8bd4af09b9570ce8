#!/usr/bin/python3
"""Gets stored documents back without idscan-ledger. Needs Debian's python3-nacl, and shares no code with the program.

    \\copy (select transaction_id, kind, origin, position, object_name, sha256, key_id from files where object_name is not null) to 'files.csv' csv header
    \\copy (select id, sealed from document_keys) to 'keys.csv' csv header

Usage: recover.py files.csv keys.csv <folder of the store> <file of the master's secret key> <folder to write to>

Each document becomes <transaction>.<kind>.<origin>.<position>. What cannot be had is printed; then it exits with 1.
"""
import base64, collections, csv, hashlib, json, os, struct, sys
import nacl.bindings as na

def content_of(data, keys, row):
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise ValueError("the object is not as it was stored")
    begin = data.index(b"\n") + 1
    about = data[:begin + 4 + struct.unpack(">I", data[begin:begin + 4])[0]]
    said = json.loads(about[begin + 4:])
    if data[:begin] != b"idscan-document-1\n" or (said["transaction"], said["key"]) != (row["transaction_id"], row["key_id"]):
        raise ValueError("it is another document")
    state, at, tag, chunks = na.crypto_secretstream_xchacha20poly1305_state(), len(about) + 24, None, []
    na.crypto_secretstream_xchacha20poly1305_init_pull(state, data[len(about):at], keys[row["key_id"]])
    for start in range(at, len(data), 65536 + 17):
        if tag == na.crypto_secretstream_xchacha20poly1305_TAG_FINAL:
            raise ValueError("more follows its end")
        chunk, tag = na.crypto_secretstream_xchacha20poly1305_pull(state, data[start:start + 65536 + 17], about)
        chunks.append(chunk)
    if tag != na.crypto_secretstream_xchacha20poly1305_TAG_FINAL:
        raise ValueError("it is cut")
    return b"".join(chunks)

def main(files, sealed, store, secret, out):
    pairs = [(na.crypto_scalarmult_base(one), one) for one in map(base64.b64decode, open(secret).read().split())]
    keys, lost, got = {}, 0, collections.Counter()
    for row in csv.DictReader(open(sealed, newline="")):
        for public, one in pairs:
            try: keys[row["id"]] = na.crypto_box_seal_open(bytes.fromhex(row["sealed"][2:]), public, one)
            except Exception: pass  # sealed to another master
    for row in csv.DictReader(open(files, newline="")):
        name = ".".join(row[part] for part in ("transaction_id", "kind", "origin", "position"))
        try:
            with open(os.path.join(store, row["object_name"]), "rb") as file: content = content_of(file.read(), keys, row)
            with open(os.path.join(out, os.path.basename(name)), "xb") as file: file.write(content)
        except Exception as why:
            lost += 1
            print(f"not recovered: {name} ({row['object_name']}): {type(why).__name__}: {why}")
        else:
            got["documents"] += 1
    print(f"recovered: {got['documents']} of {got['documents'] + lost}")
    return 1 if lost else 0

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 6 else __doc__)

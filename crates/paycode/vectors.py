#!/usr/bin/env python3
"""Writes vectors.json, the test vectors that the Rust and the JavaScript code are both held to.

Nothing here is shared with either: HMAC and SHA-256 are Python's own, the QR symbols are drawn by
python-qrcode, the Code 128 patterns by reportlab. Run it only when the format of the code changes:

    pip install qrcode reportlab && python3 vectors.py > vectors.json
"""

import hashlib
import hmac
import json
import struct

import qrcode
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.util import MODE_NUMBER, QRData
from reportlab.graphics.barcode.code128 import Code128

PREFIX = "999931"
QR_MASK = 0
QUIET_CODE128, HEIGHT_CODE128, QUIET_QR = 10, 48, 4


def digest(secret, step, count):
    return hmac.new(secret, struct.pack(">QB", step, count), hashlib.sha256).digest()


def one_time(secret, step, count):
    mac = digest(secret, step, count)
    offset = mac[-1] & 0x0F
    (word,) = struct.unpack(">I", mac[offset : offset + 4])
    return f"{(word & 0x7FFFFFFF) % 10**8:08}"


def check_digit(digits):
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(reversed(digits))]
    return str(-sum(d // 10 + d % 10 for d in doubled) % 10)


def customer_code(device, secret, step, count):
    body = f"{PREFIX}{device:09}{one_time(secret, step, count)}"
    return body + check_digit(body)


def authorization_id(device, step, count):
    tag = b"omamori paycode authorization v1\0"
    mac = hashlib.sha256(tag + struct.pack(">IQB", device, step, count)).hexdigest()
    return mac[:32]


def runs(row):
    start = None
    for x, module in enumerate(row + "0"):
        if module == "1" and start is None:
            start = x
        elif module == "0" and start is not None:
            yield start, x - start
            start = None


def svg(width, height, path, stretch=""):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"{stretch}'
        f' shape-rendering="crispEdges"><rect width="{width}" height="{height}" fill="#fff"/>'
        f'<path fill="#000" d="{path}"/></svg>'
    )


def code128(digits):
    barcode = Code128(digits)
    for step in (barcode.validate, barcode.encode, barcode.decompose):
        step()
    # Bars are upper-case letters and spaces lower-case ones, "A" and "a" one module wide.
    modules = "".join(
        str(int(letter.isupper())) * (ord(letter.lower()) - ord("a") + 1)
        for letter in barcode.decomposed
    )
    quiet, height = QUIET_CODE128, HEIGHT_CODE128
    path = "".join(f"M{quiet + x} 0h{w}v{height}h-{w}z" for x, w in runs(modules))
    stretch = ' preserveAspectRatio="none"'
    return {
        "digits": digits,
        "modules": modules,
        "svg": svg(len(modules) + 2 * quiet, height, path, stretch),
    }


def qr(digits):
    symbol = qrcode.QRCode(
        version=1, error_correction=ERROR_CORRECT_Q, mask_pattern=QR_MASK, border=0
    )
    symbol.add_data(QRData(digits.encode(), mode=MODE_NUMBER), optimize=0)
    symbol.make(fit=False)
    rows = ["".join(str(int(module)) for module in row) for row in symbol.get_matrix()]
    quiet = QUIET_QR
    path = "".join(
        f"M{quiet + x} {quiet + y}h{w}v1h-{w}z" for y, row in enumerate(rows) for x, w in runs(row)
    )
    size = len(rows) + 2 * quiet
    return {"digits": digits, "rows": rows, "svg": svg(size, size, path)}


def search(device, secret, wanted):
    """The first step from a fixed start whose code has a property worth a vector."""
    step = 59_000_000
    while not wanted(secret, step):
        step += 1
    return device, secret, step, 0


def main():
    one, two = hashlib.sha256(b"one").digest(), hashlib.sha256(b"two").digest()
    cases = [(0, bytes(32), 0, 0), (999_999_999, b"\xff" * 32, 2**63, 3)]
    cases += [(123_456_789, one, 60_412_800, count) for count in range(4)]
    cases += [(123_456_789, one, 60_412_801, 0), (42, two, 60_412_800, 0)]
    cases += [
        search(7, two, lambda secret, step: one_time(secret, step, 0).startswith("000")),
        search(8, two, lambda secret, step: digest(secret, step, 0)[-1] & 0x0F == 0),
        search(9, two, lambda secret, step: digest(secret, step, 0)[-1] & 0x0F == 15),
    ]
    codes = [
        {
            "secret": secret.hex(),
            "device": device,
            "step": str(step),
            "count": count,
            "one_time": one_time(secret, step, count),
            "code": customer_code(device, secret, step, count),
            "authorization_id": authorization_id(device, step, count),
        }
        for device, secret, step, count in cases
    ]
    drawn = [body + check_digit(body) for body in ("0" * 23, "9" * 23)]
    drawn += [case["code"] for case in codes[:4]]
    vectors = {
        "about": "Test vectors of the customer's payment code; written by vectors.py. "
        "Steps are decimal strings because they are 64 bits wide.",
        "prefix": PREFIX,
        "codes": codes,
        "code128": [code128(digits) for digits in drawn],
        "qr": {
            "version": 1,
            "level": "Q",
            "mode": "numeric",
            "mask": QR_MASK,
            "symbols": [qr(digits) for digits in drawn],
        },
    }
    print(json.dumps(vectors, indent=2))


if __name__ == "__main__":
    main()

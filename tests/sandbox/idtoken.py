"""Signs id_tokens with RS256 (RFC 7515, 7518) using nothing but Python's integers.

Good enough for a sandbox only: the arithmetic takes no care of its timing.
"""

import base64
import hashlib
import json
import math
import secrets
from dataclasses import dataclass
from typing import Any

PREFIX_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
KEY_BITS = 2048
SMALL_PRIMES = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n ** .5) + 1, 2))]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def is_prime(n: int) -> bool:
    """Miller-Rabin; 8 rounds suffice for random candidates of this size."""
    if any(n % p == 0 for p in SMALL_PRIMES):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd //= 2
        twos += 1
    for _ in range(8):
        x = pow(secrets.randbelow(n - 3) + 2, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def random_prime(bits: int) -> int:
    while True:
        n = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if is_prime(n):
            return n


@dataclass
class SigningKey:
    """An RSA key; ``kid`` names it in the published set."""

    p: int
    q: int
    d: int

    @classmethod
    def fresh(cls) -> "SigningKey":
        while True:
            p, q = random_prime(KEY_BITS // 2), random_prime(KEY_BITS // 2)
            order = math.lcm(p - 1, q - 1)
            if p != q and math.gcd(65537, order) == 1:
                return cls(p, q, pow(65537, -1, order))

    @property
    def n(self) -> int:
        return self.p * self.q

    @property
    def kid(self) -> str:
        return hashlib.sha1(str(self.n).encode()).hexdigest()

    def jwk(self) -> dict[str, str]:
        size = KEY_BITS // 8
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid,
                "n": b64(self.n.to_bytes(size, "big")), "e": b64((65537).to_bytes(3, "big"))}

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact JWS over the claims."""
        head = {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        text = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
        digest = PREFIX_SHA256 + hashlib.sha256(text.encode()).digest()
        size = KEY_BITS // 8
        padded = b"\x00\x01" + b"\xff" * (size - 3 - len(digest)) + b"\x00" + digest
        signature = self.power(int.from_bytes(padded, "big"))
        return f"{text}.{b64(signature.to_bytes(size, 'big'))}"

    def power(self, number: int) -> int:
        """number to the d modulo n, by the Chinese remainder theorem: four times faster."""
        rest_p = pow(number % self.p, self.d % (self.p - 1), self.p)
        rest_q = pow(number % self.q, self.d % (self.q - 1), self.q)
        return rest_q + self.q * ((rest_p - rest_q) * pow(self.q, -1, self.p) % self.p)

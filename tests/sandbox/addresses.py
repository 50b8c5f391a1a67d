"""What passes as an e-mail address."""

import re
from typing import Any

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
                     r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*"
                     r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)


def valid_address(address: Any) -> bool:
    return (isinstance(address, str) and len(address) <= 254 and bool(ADDRESS.fullmatch(address))
            and not re.search(r"^\.|\.\.|\.@", address))

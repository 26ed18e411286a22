"""How much a checkpoint may ask for before it is refused. Numbers only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Generous for a real checkpoint, small for this machine."""

    #: The biggest member that is read, bytes.
    member_bytes: int = 512 << 20
    #: The JSON of `data`, bytes (it holds the last observations and the spaces).
    json_bytes: int = 64 << 20
    #: Version and system information, bytes.
    text_bytes: int = 1 << 16
    #: Members of the checkpoint (SB3 writes six to ten).
    members: int = 32
    #: Members of `policy.pth` (one for each tensor, and six).
    tensor_members: int = 4096
    #: Operations in one pickle (about fifty for each tensor).
    pickle_operations: int = 500_000
    #: All tensors together as they would lie in memory, bytes.
    tensor_bytes: int = 1 << 30
    #: Elements of one array in a description of a space.
    space_elements: int = 4 << 20
    #: Any one number of units or choices: a layer, the actions, the features.
    width: int = 65_536
    #: Values in `policy_kwargs`, nested ones counted.
    policy_values: int = 10_000


DEFAULT_LIMITS = Limits()

"""How often a long-lived process looks for garbage that points at itself."""

import gc

THRESHOLDS = (100_000, 20, 100)


def settle() -> None:
    """Leave what is loaded out of every later search, and search more rarely.

    A batch of leads is hundreds of thousands of small objects that die by themselves; Python's
    default looks through all of them, and every module, again and again. Measured on an import:
    a quarter less time of the processor.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)

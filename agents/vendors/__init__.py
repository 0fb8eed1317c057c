"""The outside systems, one module or folder each; agents meet them only as Protocols."""

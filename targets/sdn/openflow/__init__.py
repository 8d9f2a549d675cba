"""OpenFlow 1.3 without I/O: our own codec, checked against os-ken's in the tests."""

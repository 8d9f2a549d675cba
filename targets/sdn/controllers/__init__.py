"""Ways to hold an OpenFlow controller: in process on the threads adapter, or as a black box."""

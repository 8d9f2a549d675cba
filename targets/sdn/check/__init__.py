"""What must hold of a network, computed from its tables and never from packets that happened to be sent."""

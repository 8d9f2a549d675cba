"""How a system under test is held: one module or folder per way, all behind `World`."""

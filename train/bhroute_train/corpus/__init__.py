"""The training text: Debian's packages of documentation, and public-domain books within them."""

"""Programs that come with the package: python -m bhroute.tools.NAME."""

"""The command line, `penstock`: one file per noun, over the app and the ports."""

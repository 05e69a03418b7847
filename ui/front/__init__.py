"""The first view: what the page does with a sound, before there is one."""

"""The tab Teach & about: a lesson plan, exercises, licences, privacy."""

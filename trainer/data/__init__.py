"""Read, decode, check and split songs, and cut them into windows."""

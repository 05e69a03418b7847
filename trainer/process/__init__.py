"""Start, queue, supervise and stop the processes of runs."""

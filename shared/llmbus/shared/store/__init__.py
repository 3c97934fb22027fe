"""What must outlive a process and be seen by all: who works where."""

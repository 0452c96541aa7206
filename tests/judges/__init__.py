"""Programs that read what a server left behind. They share no code with it: what they know is the documentation."""

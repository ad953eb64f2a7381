"""What a claimed run does: each model turns an attempt into an outcome. Models are strangers to each other."""

"""Carries out the tasks, and plans the graphs, until it is told to stop: `python worker.py`. Start several."""

from posts import GRAPH, app

app.blueprint(GRAPH)

if __name__ == "__main__":
    app.run_worker(concurrency=20, lease="5s")

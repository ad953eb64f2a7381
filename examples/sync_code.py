"""The same from code without a loop: a script, a notebook, a Django view.

Prints:

    3 enqueued
    resized a.png
    resized b.png
    resized c.png
"""

from penstock import App

app = App()


@app.task
def resize(name: str) -> str:  # a plain def runs in a thread of the worker
    return f"resized {name}"


def main() -> None:
    runs = app.sync.enqueue_many([resize.call(name) for name in ("a.png", "b.png", "c.png")])
    print(len(runs), "enqueued")
    ids = [run.id for run in runs]

    app.run_worker(burst=True)  # elsewhere: penstock worker MODULE:app

    reading = App()
    for run_id in ids:
        print(reading.sync.run(run_id).result())


if __name__ == "__main__":
    main()

"""One round of looking after what was left behind, as workers do by themselves: `python reconcile.py`, by cron perhaps.

With nothing left behind it prints:

    scanned 0, stalled 0, reconciled 0, failed 0
"""

from posts import app

if __name__ == "__main__":
    with app.sync as blocking:
        done = blocking.reconcile()
    print(f"scanned {done.scanned}, stalled {done.stalled}, reconciled {done.reconciled}, failed {done.failed}")

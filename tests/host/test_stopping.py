"""Signals that ask a command to stop stay ours."""

import signal

from skelbench.host import stopping


def test_nobody_takes_a_signal_while_handlers_are_kept():
    before = {number: signal.getsignal(number) for number in stopping.STOPS}
    usual = signal.signal
    with stopping.handlers_kept():
        for number in stopping.STOPS:
            assert signal.signal(number, signal.SIG_IGN) is before[number]
        previous = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN, "others may be taken"
        signal.signal(signal.SIGUSR1, previous)
    assert {number: signal.getsignal(number) for number in stopping.STOPS} == before
    assert signal.signal is usual

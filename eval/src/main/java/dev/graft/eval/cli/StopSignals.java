package dev.graft.eval.cli;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Ctrl-C, SIGTERM and SIGHUP (unless nohup ignores it) while a command runs that can stop in good order. The first signal asks it to stop; a further SIGINT ends the
 * process at once (but not within 300 ms, since a terminal and a wrapper script may both deliver one Ctrl-C).
 *
 * <p>Signal handlers, not a shutdown hook: a hook starts the JVM's shutdown, in which a second Ctrl-C does nothing and a hook that
 * waits for a thread that calls System.exit waits forever.
 */
final class StopSignals implements AutoCloseable {
  private static final long SAME_KEY_PRESS_NANOS = 300_000_000L;

  private final Signal[] signals = {new Signal("INT"), new Signal("TERM"), new Signal("HUP")};
  private final SignalHandler[] before = new SignalHandler[signals.length];
  private final AtomicInteger received = new AtomicInteger();
  private final AtomicLong receivedAt = new AtomicLong();

  /** @param stop asks the command to stop soon; called at most once, on a signal thread, and must not block */
  StopSignals(Runnable stop) {
    for (int i = 0; i < signals.length; i++) {
      int code = 128 + signals[i].getNumber();
      before[i] = Signal.handle(signals[i], signal -> received(code, stop));
    }
  }

  private void received(int code, Runnable stop) {
    long now = System.nanoTime();
    if (received.compareAndSet(0, code)) {
      receivedAt.set(now);
      stop.run();
    } else if (code == ExitCode.INTERRUPTED && now - receivedAt.get() > SAME_KEY_PRESS_NANOS) {
      Runtime.getRuntime().halt(code);
    }
  }

  /** Exit code for the first signal received (130, 143 or 129), or 0 when there was none. */
  int exitCode() {
    return received.get();
  }

  @Override
  public void close() {
    for (int i = 0; i < signals.length; i++) {
      Signal.handle(signals[i], before[i]);
    }
  }
}

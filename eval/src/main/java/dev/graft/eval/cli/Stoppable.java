package dev.graft.eval.cli;

import dev.graft.eval.convert.Converter;
import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;

/** Work that says how far it is, and that a signal ends between two items, so that what is half written goes. */
final class Stoppable {
  private final CommonOptions common;
  private final AtomicBoolean stop = new AtomicBoolean();

  private Stoppable(CommonOptions common) {
    this.common = common;
  }

  /** What is to be done. */
  @FunctionalInterface
  interface Work {
    void run(Stoppable stoppable) throws IOException;
  }

  /** Runs it. @return the exit code: done, or that of the signal */
  static int run(CommonOptions common, Work work) throws IOException {
    Stoppable stoppable = new Stoppable(common);
    try (StopSignals signals = new StopSignals(() -> stoppable.stop.set(true))) {
      try {
        work.run(stoppable);
        return ExitCode.DONE;
      } catch (CancellationException e) {
        common.note("stopped; nothing unfinished is left");
        return signals.exitCode();
      }
    }
  }

  /** Tells the user now and then, and stops here when a signal has come. @param what is counted, in the plural */
  Converter.Progress progress(String what) {
    Converter.Progress progress = RowProgress.later(common, what);
    return (done, of) -> {
      if (stop.get()) {
        throw new CancellationException();
      }
      progress.done(done, of);
    };
  }
}

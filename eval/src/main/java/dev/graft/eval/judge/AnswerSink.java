package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.generate.BatchGenerator;
import dev.graft.trainer.generate.Completion;
import dev.graft.trainer.run.StopRequest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.IntConsumer;

/** Takes answers as they come, in any order, and writes what is made of each in the order of their places. One thread. */
final class AnswerSink implements BatchGenerator.Sink {
  private final Places places;
  private final BiFunction<Integer, Completion, List<ObjectNode>> made;
  private final OrderedLog<?> log;
  private final Spent spent;
  private final StopRequest stop;
  private final IntConsumer progress;
  private final Map<Integer, List<ObjectNode>> early = new HashMap<>();
  private int next;
  private int done;

  /**
   * @param first the place that the first line written is of  @param made the lines of a place's answer
   * @param progress hears how many answers came
   */
  AnswerSink(Places places, int first, BiFunction<Integer, Completion, List<ObjectNode>> made, OrderedLog<?> log, Spent spent, StopRequest stop, IntConsumer progress) {
    this.places = places;
    this.next = first;
    this.made = made;
    this.log = log;
    this.spent = spent;
    this.stop = stop;
    this.progress = progress;
  }

  @Override
  public boolean text(int index, String more) {
    return !stop.requested();
  }

  @Override
  public void done(Completion completion, double took) {
    int place = places.placeOf(completion.index());
    early.put(place, made.apply(place, completion));
    while (early.containsKey(next)) {
      log.add(early.remove(next++));
    }
    spent.add(places.system(place), took, completion.ids().length);
    progress.accept(++done);
  }

  /** The place after the last one that was written. */
  int next() {
    return next;
  }
}

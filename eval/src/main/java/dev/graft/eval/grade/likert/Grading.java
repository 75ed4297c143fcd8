package dev.graft.eval.grade.likert;

import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.StopRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Grades by a judge, with the cache before it: what was graded once is not asked again, and equal questions are asked once. One thread. */
public final class Grading {
  private final LikertJudge judge;
  private final GradeCache cache;

  /** Both are closed by the caller. */
  public Grading(LikertJudge judge, GradeCache cache) {
    this.judge = judge;
    this.cache = cache;
  }

  /** Hears how it goes; never on two threads at a time. */
  public interface Listener {
    /** A sentence for the user. */
    void note(String text);

    /** @param done questions settled by this process  @param count those that the judge has to be asked */
    void progress(int done, int count);
  }

  /**
   * What became of questions.
   *
   * @param grades of each question, in order; null where there is none
   * @param why there is none, by the question's index  @param cached questions whose grade was there already
   * @param stopped whether it was asked to stop before all were settled
   */
  public record Result(List<Likert> grades, Map<Integer, String> why, int cached, boolean stopped) {}

  /** Grades questions. @throws RunException when the judge cannot go on; what it graded is in the cache */
  public Result grade(List<LikertJudge.Question> questions, Listener listener, StopRequest stop) {
    Map<String, List<Integer>> places = new LinkedHashMap<>();
    Likert[] grades = new Likert[questions.size()];
    int cached = 0;
    for (int i = 0; i < grades.length; i++) {
      String key = GradeCache.key(judge.identity(), questions.get(i).text());
      grades[i] = cache.get(key).orElse(null);
      if (grades[i] == null) {
        places.computeIfAbsent(key, k -> new ArrayList<>()).add(i);
      } else {
        cached++;
      }
    }
    Map<Integer, String> why = new LinkedHashMap<>();
    Sink sink = new Sink(List.copyOf(places.keySet()), places, grades, why, listener);
    if (!places.isEmpty()) {
      listener.progress(0, places.size());
      try {
        judge.grade(places.values().stream().map(list -> questions.get(list.get(0))).toList(), sink, stop);
      } catch (RunException e) {
        if (e.exitCode() != 1) {
          throw e;
        }
        long kept = java.util.Arrays.stream(grades).filter(grade -> grade != null).count();
        throw RunException.failed(e.getMessage() + "; " + kept + " of " + grades.length + " grades are kept in " + cache.file() + ": run the same command again to go on", e);
      }
    }
    return new Result(java.util.Collections.unmodifiableList(java.util.Arrays.asList(grades)), why, cached, sink.done < places.size());
  }

  /** Writes grades down as they come. */
  private final class Sink implements LikertJudge.Sink {
    private final List<String> keys;
    private final Map<String, List<Integer>> places;
    private final Likert[] grades;
    private final Map<Integer, String> why;
    private final Listener listener;
    private int done;

    Sink(List<String> keys, Map<String, List<Integer>> places, Likert[] grades, Map<Integer, String> why, Listener listener) {
      this.keys = keys;
      this.places = places;
      this.grades = grades;
      this.why = why;
      this.listener = listener;
    }

    @Override
    public synchronized void graded(int index, Likert grade) {
      cache.put(keys.get(index), judge.identity(), grade);
      places.get(keys.get(index)).forEach(place -> grades[place] = grade);
      listener.progress(++done, keys.size());
    }

    @Override
    public synchronized void ungraded(int index, String reason) {
      places.get(keys.get(index)).forEach(place -> why.put(place, reason));
      listener.progress(++done, keys.size());
    }

    @Override
    public synchronized void note(String text) {
      listener.note(text);
    }
  }
}

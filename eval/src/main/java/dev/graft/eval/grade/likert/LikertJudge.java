package dev.graft.eval.grade.likert;

import dev.graft.trainer.run.StopRequest;
import java.util.List;

/** What grades: an endpoint or a local model. Used by one thread; the caller closes it. */
public interface LikertJudge extends AutoCloseable {
  /** All that grades depend on besides the question: model and settings, not where it runs. Never a key. */
  String identity();

  /**
   * Grades questions, until a stop is requested.
   *
   * @param sink hears of each as soon as it is known, in any order, from one thread at a time
   * @throws dev.graft.trainer.run.RunException when the judge cannot go on; what the sink has heard stays true
   */
  void grade(List<Question> questions, Sink sink, StopRequest stop);

  @Override
  void close();

  /**
   * A question to the judge.
   *
   * @param name of the answer that it is about, for messages  @param text what is asked
   */
  record Question(String name, String text) {}

  /** Hears of grades. */
  interface Sink {
    /** @param index of the question */
    void graded(int index, Likert grade);

    /** No grade can be had for this question. @param why in a few words */
    void ungraded(int index, String why);

    /** A sentence for the user. */
    void note(String text);
  }
}

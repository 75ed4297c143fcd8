package dev.graft.eval.grade.likert;

import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.StopRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A judge behind an OpenAI-compatible endpoint. Requests that may work later (no connection, no answer in time, 408, 409, 425, 429, 5xx) are
 * tried again with {@link Backoff}, all threads waiting when the server asks for it; a reply without a grade in it is asked again, thrice in
 * all. When two questions after another have used up their tries, or the endpoint refuses us, no more are asked; requests under way
 * are waited for, so that what was paid is kept.
 */
public final class EndpointJudge implements LikertJudge {
  private static final int ASKS = 3;
  private static final int GIVE_UP = 2;
  private static final int KEPT = 2000;
  private static final long LONGEST_WAIT_MILLIS = 3_600_000;
  private static final long NOTE_NANOS = 10_000_000_000L;
  private static final String REMINDER = "Reply with one digit from 1 to 5 and nothing else.";

  private final EndpointOptions options;
  private final ChatEndpoint endpoint;

  /** Nothing is sent before the first question. */
  public EndpointJudge(EndpointOptions options) {
    this.options = options;
    this.endpoint = new ChatEndpoint(options);
  }

  @Override
  public String identity() {
    return options.identity();
  }

  @Override
  public void grade(List<Question> questions, Sink sink, StopRequest stop) {
    Round round = new Round(questions, sink, stop);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < Math.min(options.parallel(), questions.size()); i++) {
      Thread thread = new Thread(round, "graft-judge-" + i);
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      threads.forEach(Thread::interrupt);
      Thread.currentThread().interrupt();
      throw RunException.failed("interrupted while grading; run the same command again", e);
    }
    round.check();
  }

  @Override
  public void close() {
    // connections close by themselves
  }

  /** Questions on their way; run by several threads. */
  private final class Round implements Runnable {
    private final List<Question> questions;
    private final Sink sink;
    private final StopRequest stop;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicLong notBefore = new AtomicLong(System.nanoTime());
    private final AtomicReference<RuntimeException> failure = new AtomicReference<>();
    private final List<String> failed = new ArrayList<>();
    private String lastFailure = "";
    private int inARow;
    private int refusals;
    private boolean answered;
    private long notedAt = System.nanoTime() - NOTE_NANOS;

    Round(List<Question> questions, Sink sink, StopRequest stop) {
      this.questions = questions;
      this.sink = sink;
      this.stop = stop;
    }

    @Override
    public void run() {
      try {
        for (int i = next.getAndIncrement(); i < questions.size() && goesOn(); i = next.getAndIncrement()) {
          ask(i);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (RuntimeException e) {
        failure.compareAndSet(null, e);
      }
    }

    private boolean goesOn() {
      return failure.get() == null && !stop.requested();
    }

    private void ask(int index) throws InterruptedException {
      List<ChatEndpoint.Message> messages = new ArrayList<>(List.of(new ChatEndpoint.Message("user", questions.get(index).text())));
      String garbage = "";
      for (int asked = 0; asked < ASKS; asked++) {
        ChatEndpoint.Outcome outcome = persist(index, messages);
        if (outcome == null) {
          return;
        } else if (outcome.kind() == ChatEndpoint.Kind.ANSWER) {
          OptionalInt grade = GradeReply.read(outcome.text());
          if (grade.isPresent()) {
            graded(index, new Likert(grade.getAsInt(), null, null, shortened(outcome.text())));
            return;
          }
          garbage = "'" + (outcome.text().length() > 60 ? outcome.text().substring(0, 60) + "..." : outcome.text()) + "'";
          while (messages.size() > 1) {
            messages.remove(1);
          }
          messages.add(new ChatEndpoint.Message("assistant", shortened(outcome.text())));
          messages.add(new ChatEndpoint.Message("user", REMINDER));
        } else {
          garbage = outcome.text();
        }
      }
      ungraded(index, "the judge gave no grade from 1 to 5 in " + ASKS + " replies; the last: " + garbage.replaceAll("\\s+", " "));
    }

    /** A reply as it is kept. */
    private String shortened(String text) {
      return text.length() <= KEPT ? text : text.substring(0, KEPT) + "...";
    }

    /** Sends until something comes back; null when the question is settled otherwise, or nothing more is to be asked. */
    private ChatEndpoint.Outcome persist(int index, List<ChatEndpoint.Message> messages) throws InterruptedException {
      for (int tries = 0; goesOn(); tries++) {
        waitUntil(notBefore.get());
        if (!goesOn()) {
          return null;
        }
        ChatEndpoint.Outcome outcome = endpoint.send(messages);
        switch (outcome.kind()) {
          case ANSWER, GARBAGE:
            return outcome;
          case REFUSED:
            refused(index, outcome.text());
            return null;
          case FATAL:
            failure.compareAndSet(null, RunException.failed("the judge at " + options.url() + " does not serve us: " + outcome.text() + "; check --judge-url, --judge-model and the key", null));
            return null;
          default:
            if (tries >= options.retries()) {
              exhausted(index, outcome.text(), tries + 1);
              return null;
            }
            pause(outcome, tries);
        }
      }
      return null;
    }

    private void pause(ChatEndpoint.Outcome outcome, int tries) throws InterruptedException {
      long asked = outcome.waitMillis().orElse(0);
      if (asked > LONGEST_WAIT_MILLIS) {
        failure.compareAndSet(null, RunException.failed("the judge at " + options.url() + " asks us to wait for " + asked / 60_000 + " minutes (" + outcome.text() + "); run the same command again then", null));
        return;
      }
      long own = new Backoff(options.backoff()).millis(tries, ThreadLocalRandom.current().nextDouble());
      long now = System.nanoTime();
      if (asked > 0) {
        notBefore.accumulateAndGet(now + asked * 1_000_000, (a, b) -> a - b > 0 ? a : b);
      }
      note("the judge: " + outcome.text() + "; trying again in " + Math.max(1, (Math.max(own, asked) + 500) / 1000) + " s");
      waitUntil(now + Math.max(own, asked) * 1_000_000);
    }

    private void waitUntil(long nanos) throws InterruptedException {
      for (long left = nanos - System.nanoTime(); left > 0 && goesOn(); left = nanos - System.nanoTime()) {
        Thread.sleep(Math.min(100, left / 1_000_000 + 1));
      }
    }

    private synchronized void note(String text) {
      long now = System.nanoTime();
      if (now - notedAt >= NOTE_NANOS) {
        notedAt = now;
        sink.note(text);
      }
    }

    private synchronized void graded(int index, Likert grade) {
      inARow = 0;
      answered = true;
      sink.graded(index, grade);
    }

    private synchronized void ungraded(int index, String why) {
      inARow = 0;
      sink.ungraded(index, why);
    }

    private synchronized void refused(int index, String why) {
      if (!answered && ++refusals >= 3) {
        failure.compareAndSet(null, RunException.failed("the judge at " + options.url() + " refuses every question: " + why + "; check --judge-model and --judge-prompt", null));
      }
      sink.ungraded(index, "the judge refuses the question: " + why);
    }

    private synchronized void exhausted(int index, String why, int tries) {
      failed.add(questions.get(index).name());
      lastFailure = why + " (" + tries + (tries == 1 ? " try)" : " tries)");
      if (++inARow >= GIVE_UP || questions.size() == 1) {
        failure.compareAndSet(null, RunException.failed("the judge at " + options.url() + " cannot be reached: " + lastFailure, null));
      }
    }

    private synchronized void check() {
      if (failure.get() != null) {
        throw failure.get();
      } else if (!failed.isEmpty() && !stop.requested()) {
        throw RunException.failed("the judge at " + options.url() + " did not answer about " + String.join(", ", failed.subList(0, Math.min(5, failed.size())))
            + (failed.size() > 5 ? " and " + (failed.size() - 5) + " more" : "") + ": " + lastFailure, null);
      }
    }
  }
}

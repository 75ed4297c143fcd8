package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.serve.AnswerEnd;
import dev.graft.trainer.serve.AnswerEngine;
import dev.graft.trainer.serve.AnswerListener;
import dev.graft.trainer.serve.AnswerTicket;
import dev.graft.trainer.serve.TokenLogprob;
import dev.graft.trainer.template.ToolCall;
import dev.graft.trainer.template.ToolCallParser;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Answers to one HTTP request, sent whole or as they come. The engine's thread only hands over what it hears; everything else happens on the connection's event
 * loop. When the client goes away, or one answer fails, the engine stops working on all of them.
 */
final class AnswerCall {
  private final Exchange exchange;
  private final AnswerJob job;
  private final ServeMetrics metrics;
  private final String id;
  private final long created = System.currentTimeMillis() / 1000;
  private final Choice[] choices;
  private final List<AnswerTicket> tickets = new ArrayList<>();
  private final AtomicBoolean abandoned = new AtomicBoolean();
  private long firstAt;
  private int left;

  /** One answer so far. */
  private final class Choice implements ToolCallParser.Sink {
    final int index;
    final StringBuilder text = new StringBuilder();
    final List<TokenLogprob> tokens = new ArrayList<>();
    final List<IssuedCall> calls = new ArrayList<>();
    final ToolCallParser parser;
    List<TokenLogprob> untold = List.of();
    boolean begun;
    int offset;
    AnswerEnd end;

    Choice(int index) {
      this.index = index;
      parser = job.tools() == null ? null : job.tools().parser(this);
    }

    /** More that the engine wrote. */
    void hear(String more, List<TokenLogprob> taken) {
      untold = taken;
      if (parser == null) {
        say(more);
      } else {
        parser.add(more);
        say(""); // its tokens, if no text took them along
      }
    }

    @Override
    public void text(String more) {
      say(more);
    }

    private void say(String more) {
      if (more.isEmpty() && untold.isEmpty()) {
        return;
      }
      if (job.stream()) {
        ObjectNode piece = piece();
        job.shape().more(choiceIn(piece, index), more, untold, offset);
        tell(piece);
        offset += more.length();
      } else {
        text.append(more);
        tokens.addAll(untold);
      }
      untold = List.of();
    }

    @Override
    public void call(ToolCall call) {
      IssuedCall issued = IssuedCall.of(call);
      if (job.stream()) {
        ObjectNode piece = piece();
        job.shape().callBegins(choiceIn(piece, index), calls.size(), issued);
        tell(piece);
        ObjectNode arguments = piece();
        job.shape().callArguments(choiceIn(arguments, index), calls.size(), issued);
        tell(arguments);
      }
      calls.add(issued);
    }

    private void tell(ObjectNode piece) {
      finishReason(piece, null);
      exchange.event(piece);
    }

    /** How it ended, as clients are told. */
    String reason() {
      return !calls.isEmpty() && end.reason().equals("stop") ? "tool_calls" : end.reason();
    }
  }

  AnswerCall(Exchange exchange, AnswerJob job, ServeMetrics metrics) {
    this.exchange = exchange;
    this.job = job;
    this.metrics = metrics;
    id = job.shape().idPrefix() + UUID.randomUUID().toString().replace("-", "");
    choices = new Choice[job.requests().size()];
    Arrays.setAll(choices, Choice::new);
    left = choices.length;
  }

  /** Gives everything to the engine; on any thread. What the engine throws when it does not take one comes from here, and then it works on none of them */
  void submit(AnswerEngine engine) {
    exchange.run(() -> exchange.onGone(this::abandon));
    try {
      for (int i = 0; i < choices.length && !abandoned.get(); i++) {
        AnswerTicket ticket = engine.submit(job.requests().get(i), new Heard(i));
        synchronized (tickets) {
          tickets.add(ticket);
        }
      }
      if (abandoned.get()) {
        abandon(); // the client left meanwhile: those submitted last too
      }
    } catch (RuntimeException e) {
      abandon();
      throw e;
    }
  }

  private void abandon() {
    abandoned.set(true);
    synchronized (tickets) {
      tickets.forEach(AnswerTicket::cancel);
    }
  }

  /** The engine's thread: everything goes to the event loop, in order. */
  private final class Heard implements AnswerListener {
    private final int index;

    Heard(int index) {
      this.index = index;
    }

    @Override
    public void text(String more, List<TokenLogprob> tokens) {
      exchange.run(() -> heard(index, more, tokens));
    }

    @Override
    public void done(AnswerEnd end) {
      exchange.run(() -> ended(index, end));
    }

    @Override
    public void failed(RuntimeException reason) {
      exchange.run(() -> broken(reason));
    }
  }

  private void heard(int index, String more, List<TokenLogprob> tokens) {
    if (abandoned.get()) {
      return;
    }
    firstHeard();
    if (job.stream()) {
      begin(index, choices[index]);
    }
    choices[index].hear(more, tokens);
  }

  private void firstHeard() {
    if (firstAt == 0) {
      firstAt = System.nanoTime();
      metrics.firstToken(firstAt - exchange.start());
      exchange.log().put("first_ms", (firstAt - exchange.start()) / 1_000_000);
    }
  }

  private void begin(int index, Choice choice) {
    if (choice.begun) {
      return;
    }
    choice.begun = true;
    exchange.stream();
    ObjectNode piece = piece();
    if (job.shape().first(choiceIn(piece, index))) {
      finishReason(piece, null);
      exchange.event(piece);
    }
    String echo = job.echo().get(index / job.n());
    if (!echo.isEmpty()) {
      ObjectNode before = piece();
      job.shape().more(choiceIn(before, index), echo, List.of(), 0);
      finishReason(before, null);
      exchange.event(before);
      choice.offset = echo.length();
    }
  }

  private void ended(int index, AnswerEnd end) {
    if (abandoned.get()) {
      return;
    }
    firstHeard();
    Choice choice = choices[index];
    choice.end = end;
    left--;
    long now = System.nanoTime();
    metrics.answered(now - exchange.start(), now - firstAt, end.answerTokens());
    if (job.stream()) {
      begin(index, choice);
    }
    if (choice.parser != null) {
      choice.parser.finish();
    }
    if (job.stream()) {
      ObjectNode piece = piece();
      job.shape().last(choiceIn(piece, index));
      finishReason(piece, choice.reason());
      exchange.event(piece);
    }
    if (left == 0) {
      finish();
    }
  }

  private void finish() {
    ObjectNode usage = usage();
    if (!job.stream()) {
      ObjectNode whole = head(false);
      for (int i = 0; i < choices.length; i++) {
        ObjectNode choice = choiceIn(whole, i);
        job.shape().whole(choice, job.echo().get(i / job.n()) + choices[i].text, choices[i].calls, choices[i].tokens);
        choice.put("finish_reason", choices[i].reason());
      }
      whole.set("usage", usage);
      exchange.json(200, whole);
      return;
    }
    if (job.includeUsage()) {
      ObjectNode last = head(true);
      last.putArray("choices");
      last.set("usage", usage);
      exchange.event(last);
    }
    exchange.doneEvent();
  }

  private void broken(RuntimeException reason) {
    if (abandoned.get()) {
      return;
    }
    abandon();
    exchange.log().put("error", String.valueOf(reason.getMessage()));
    exchange.error(reason instanceof ApiException known ? known : ApiException.failed(500, "The engine failed: " + reason.getMessage()));
  }

  private ObjectNode head(boolean stream) {
    return Fields.JSON.createObjectNode().put("id", id).put("object", job.shape().object(stream)).put("created", created).put("model", job.model());
  }

  private ObjectNode piece() {
    ObjectNode piece = head(true);
    piece.putArray("choices");
    if (job.includeUsage()) {
      piece.putNull("usage");
    }
    return piece;
  }

  private static ObjectNode choiceIn(ObjectNode node, int index) {
    return node.withArray("choices").addObject().put("index", index);
  }

  private static void finishReason(ObjectNode piece, String reason) {
    ((ObjectNode) piece.path("choices").get(0)).put("finish_reason", reason);
  }

  /** A prompt counts once, however many answers it gets. */
  private ObjectNode usage() {
    int prompt = 0;
    int cached = 0;
    int answer = 0;
    for (int i = 0; i < choices.length; i++) {
      AnswerEnd end = choices[i].end;
      prompt += i % job.n() == 0 ? end.promptTokens() : 0;
      cached += i % job.n() == 0 ? end.reusedTokens() : 0;
      answer += end.answerTokens();
    }
    exchange.log().put("prompt_tokens", prompt).put("cached_tokens", cached).put("completion_tokens", answer);
    ObjectNode usage = Fields.JSON.createObjectNode().put("prompt_tokens", prompt).put("completion_tokens", answer).put("total_tokens", prompt + answer);
    usage.putObject("prompt_tokens_details").put("cached_tokens", cached);
    return usage;
  }
}

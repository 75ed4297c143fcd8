package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.serve.TokenLogprob;
import java.util.List;

/** Of {@code /v1/chat/completions}. @param logprobs null when nobody asked for them */
record ChatShape(LogprobJson logprobs) implements AnswerShape {
  @Override
  public String idPrefix() {
    return "chatcmpl-";
  }

  @Override
  public String object(boolean stream) {
    return stream ? "chat.completion.chunk" : "chat.completion";
  }

  @Override
  public void whole(ObjectNode choice, String text, List<IssuedCall> calls, List<TokenLogprob> tokens) {
    ObjectNode message = choice.putObject("message").put("role", "assistant").put("content", text.isEmpty() && !calls.isEmpty() ? null : text).putNull("refusal");
    if (!calls.isEmpty()) {
      ArrayNode list = message.putArray("tool_calls");
      calls.forEach(call -> call.begin(list.addObject()).put("arguments", call.call().arguments()));
    }
    logprobs(choice, tokens);
  }

  @Override
  public boolean first(ObjectNode choice) {
    choice.putObject("delta").put("role", "assistant").put("content", "").putNull("refusal");
    choice.putNull("logprobs");
    return true;
  }

  @Override
  public void more(ObjectNode choice, String text, List<TokenLogprob> tokens, int offset) {
    choice.putObject("delta").put("content", text);
    logprobs(choice, tokens);
  }

  @Override
  public void callBegins(ObjectNode choice, int number, IssuedCall call) {
    call.begin(delta(choice, number)).put("arguments", "");
  }

  @Override
  public void callArguments(ObjectNode choice, int number, IssuedCall call) {
    delta(choice, number).putObject("function").put("arguments", call.call().arguments());
  }

  private static ObjectNode delta(ObjectNode choice, int number) {
    ObjectNode delta = choice.putObject("delta").putArray("tool_calls").addObject().put("index", number);
    choice.putNull("logprobs");
    return delta;
  }

  @Override
  public void last(ObjectNode choice) {
    choice.putObject("delta");
    choice.putNull("logprobs");
  }

  private void logprobs(ObjectNode choice, List<TokenLogprob> tokens) {
    if (logprobs == null) {
      choice.putNull("logprobs");
    } else {
      logprobs.chat(choice.putObject("logprobs"), tokens);
    }
  }
}

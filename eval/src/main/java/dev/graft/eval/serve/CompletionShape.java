package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.serve.TokenLogprob;
import java.util.List;

/** Of {@code /v1/completions}. @param logprobs null when nobody asked for them */
record CompletionShape(LogprobJson logprobs) implements AnswerShape {
  @Override
  public String idPrefix() {
    return "cmpl-";
  }

  @Override
  public String object(boolean stream) {
    return "text_completion";
  }

  @Override
  public void whole(ObjectNode choice, String text, List<IssuedCall> calls, List<TokenLogprob> tokens) {
    more(choice, text, tokens, 0);
  }

  @Override
  public boolean first(ObjectNode choice) {
    return false;
  }

  @Override
  public void more(ObjectNode choice, String text, List<TokenLogprob> tokens, int offset) {
    choice.put("text", text);
    if (logprobs == null) {
      choice.putNull("logprobs");
    } else {
      logprobs.completion(choice.putObject("logprobs"), tokens, offset);
    }
  }

  @Override
  public void last(ObjectNode choice) {
    choice.put("text", "").putNull("logprobs");
  }
}

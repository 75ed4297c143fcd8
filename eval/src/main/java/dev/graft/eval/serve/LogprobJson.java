package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.serve.TokenLogprob;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Log-probabilities as OpenAI's two APIs write them. Threads may share it. */
final class LogprobJson {
  /** What stands for minus infinity, as with OpenAI. */
  private static final float IMPOSSIBLE = -9999;

  private final Vocabulary vocabulary;

  LogprobJson(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** Of chats: {@code {"content": [{"token", "logprob", "bytes", "top_logprobs"}], "refusal": null}}. */
  void chat(ObjectNode into, List<TokenLogprob> tokens) {
    ArrayNode content = into.putArray("content");
    for (TokenLogprob token : tokens) {
      ObjectNode node = content.addObject();
      one(node, token);
      ArrayNode top = node.putArray("top_logprobs");
      token.top().forEach(other -> one(top.addObject(), other));
    }
    into.putNull("refusal");
  }

  private void one(ObjectNode node, TokenLogprob token) {
    byte[] bytes = piece(token.token());
    node.put("token", new String(bytes, StandardCharsets.UTF_8)).put("logprob", finite(token.logp()));
    ArrayNode list = node.putArray("bytes");
    for (byte b : bytes) {
      list.add(b & 0xFF);
    }
  }

  /** Of completions: {@code {"tokens", "token_logprobs", "top_logprobs", "text_offset"}}. @param offset characters before the first token */
  void completion(ObjectNode into, List<TokenLogprob> tokens, int offset) {
    ArrayNode texts = into.putArray("tokens");
    ArrayNode logprobs = into.putArray("token_logprobs");
    ArrayNode tops = into.putArray("top_logprobs");
    ArrayNode offsets = into.putArray("text_offset");
    int at = offset;
    for (TokenLogprob token : tokens) {
      String text = text(token.token());
      texts.add(text);
      logprobs.add(finite(token.logp()));
      ObjectNode top = tops.addObject();
      token.top().forEach(other -> top.put(text(other.token()), finite(other.logp())));
      offsets.add(at);
      at += text.length();
    }
  }

  private String text(int id) {
    return new String(piece(id), StandardCharsets.UTF_8);
  }

  private byte[] piece(int id) {
    return id >= 0 && id < vocabulary.size() ? vocabulary.piece(id) : new byte[0];
  }

  private static float finite(float logp) {
    return Float.isFinite(logp) ? logp : IMPOSSIBLE;
  }
}

package dev.graft.trainer.bpe;

import dev.graft.trainer.jinja.TemplateException;
import dev.graft.trainer.template.ChatTemplate;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The special tokens of a chat template, found in what it writes for a conversation: {@code <|...|>}, {@code <s>}, {@code
 * <start_of_turn>}, {@code [INST]} and the like.
 *
 * @param bos what begins a text
 * @param eos what ends a text, and an assistant's turn when the template has a token for that
 * @param endsTurn whether it does
 * @param others the rest, in the order in which the template writes them
 * @param texts what the template writes besides: names of roles, line ends, instructions
 */
record TemplateTokens(String bos, String eos, boolean endsTurn, List<String> others, List<String> texts) {
  static final String BOS = "<|begin_of_text|>";
  static final String EOS = "<|end_of_text|>";
  static final String PAD = "<|pad|>";

  private static final Pattern SPECIAL =
      Pattern.compile("<\\|[^\\s|<>]{1,60}\\|>|</?s>|<(?:bos|eos|pad|start_of_[a-z_]+|end_of_[a-z_]+)>|\\[/?[A-Z_]{2,30}\\]|<</?SYS>>|<SPECIAL_\\d+>");
  private static final Set<String> BEGINS = Set.of(BOS, "<s>", "<bos>", "<|bos|>", "<|startoftext|>");

  /** The contents of the sample's messages: characters that no template writes. */
  private static final String SYSTEM = "\uF8F0";
  private static final String USER = "\uF8F1";
  private static final String ASSISTANT = "\uF8F2";

  /** Tokens of a vocabulary without a template. */
  static TemplateTokens none() {
    return new TemplateTokens(BOS, EOS, false, List.of(), List.of());
  }

  /** Tokens of a template that was made with {@link #BOS} and {@link #EOS}. @throws TemplateException when it cannot write a question and its answer */
  static TemplateTokens of(ChatTemplate template) {
    String conversation = conversation(template);
    Set<String> found = new LinkedHashSet<>();
    List<String> texts = new ArrayList<>();
    for (String text : List.of(conversation, template.render(List.of(message("user", USER)), true, Map.of()))) {
      int from = 0;
      Matcher matcher = SPECIAL.matcher(text);
      while (matcher.find()) {
        found.add(matcher.group());
        texts.add(text.substring(from, matcher.start()));
        from = matcher.end();
      }
      texts.add(text.substring(from));
    }
    String bos = found.stream().limit(1).filter(token -> BEGINS.contains(token) && conversation.startsWith(token)).findFirst().orElse(BOS);
    Optional<String> end = end(conversation);
    String eos = end.orElse(EOS);
    found.removeAll(List.of(bos, eos, PAD));
    List<String> pieces = texts.stream().flatMap(text -> Pattern.compile("[" + SYSTEM + USER + ASSISTANT + "]").splitAsStream(text)).filter(piece -> !piece.isEmpty()).toList();
    return new TemplateTokens(bos, eos, end.isPresent(), List.copyOf(found), pieces);
  }

  private static String conversation(ChatTemplate template) {
    List<Map<String, Object>> turns = List.of(message("user", USER), message("assistant", ASSISTANT));
    List<Map<String, Object>> all = new ArrayList<>(turns);
    all.add(0, message("system", SYSTEM));
    try {
      return template.render(all, false, Map.of());
    } catch (TemplateException e) {
      return template.render(turns, false, Map.of()); // many templates refuse a system message
    }
  }

  /** The token right behind the assistant's words, but for white space. */
  private static Optional<String> end(String conversation) {
    int from = conversation.indexOf(ASSISTANT);
    Matcher matcher = SPECIAL.matcher(conversation);
    return from >= 0 && matcher.find(from) && conversation.substring(from + 1, matcher.start()).isBlank() ? Optional.of(matcher.group()) : Optional.empty();
  }

  private static Map<String, Object> message(String role, String content) {
    return Map.of("role", role, "content", content);
  }
}

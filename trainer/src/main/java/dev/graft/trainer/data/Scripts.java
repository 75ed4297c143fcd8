package dev.graft.trainer.data;

import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Writes the text of rows: through the chat template, or plain. */
final class Scripts {
  private final Path file;
  private final Optional<ChatTemplate> template;
  private final boolean promptOnly;
  private final Set<String> endTexts = new LinkedHashSet<>();

  Scripts(Path file, Vocabulary vocabulary, Optional<ChatTemplate> template, boolean promptOnly) {
    this.file = file;
    this.template = template;
    this.promptOnly = promptOnly;
    endTexts.add(vocabulary.eosText());
    vocabulary.endOfGeneration().forEach(id -> endTexts.add(vocabulary.text(id)));
  }

  /** The sequences of a row: none for ids and plain text, two for a pair (which share their prompt), else one. */
  List<Script> of(Row row) {
    try {
      if (row instanceof Row.Text text) {
        return text(text);
      } else if (row instanceof Row.Chat chat) {
        return List.of(chat(chat));
      }
      return List.of();
    } catch (Conversation.Refusal e) {
      throw new DataException(file, row.line(), e.getMessage());
    }
  }

  /** The row's own words. */
  List<String> texts(Row row) {
    List<String> texts = new ArrayList<>();
    if (row instanceof Row.Text text) {
      add(texts, text.prompt());
      text.answers().forEach(answer -> add(texts, answer));
    } else if (row instanceof Row.Chat chat) {
      add(texts, new Row.Turns(null, chat.messages()));
    }
    return texts;
  }

  private static void add(List<String> texts, Row.Turns turns) {
    if (turns.text() != null) {
      texts.add(turns.text());
    } else {
      turns.messages().forEach(message -> texts.add(String.valueOf(message.get("content"))));
    }
  }

  private List<Script> text(Row.Text row) throws Conversation.Refusal {
    boolean messages = row.prompt().messages() != null || row.answers().stream().anyMatch(answer -> answer.messages() != null);
    if (template.isEmpty()) {
      if (messages) {
        throw noTemplate(row.line());
      }
      return plain(row);
    }
    Conversation conversation = new Conversation(template.get(), endTexts, row.extra());
    List<Map<String, Object>> prompt = messages(row.prompt(), "user");
    if (row.answers().isEmpty()) {
      return List.of(Script.prompt(conversation.prompt(prompt)));
    }
    List<Script> scripts = new ArrayList<>();
    for (Row.Turns answer : row.answers()) {
      scripts.add(conversation.answer(prompt, messages(answer, "assistant")));
    }
    return scripts;
  }

  private static List<Script> plain(Row.Text row) {
    if (row.answers().isEmpty()) {
      return List.of(Script.prompt(row.prompt().text()));
    }
    return row.answers().stream().map(answer -> Script.of(row.prompt().text(), answer.text(), true)).toList();
  }

  private Script chat(Row.Chat row) throws Conversation.Refusal {
    if (template.isEmpty()) {
      throw noTemplate(row.line());
    }
    Conversation conversation = new Conversation(template.get(), endTexts, row.extra());
    if (!promptOnly) {
      return conversation.chat(row.messages());
    }
    List<Map<String, Object>> messages = row.messages();
    boolean answered = messages.size() > 1 && "assistant".equals(messages.get(messages.size() - 1).get("role"));
    return Script.prompt(conversation.prompt(answered ? messages.subList(0, messages.size() - 1) : messages));
  }

  private static List<Map<String, Object>> messages(Row.Turns turns, String role) {
    return turns.messages() != null ? turns.messages() : List.of(Map.of("role", role, "content", turns.text()));
  }

  private DataException noTemplate(int line) {
    return new DataException(
        file, line, "holds messages, but there is no chat template; give one with --template (" + String.join(", ", ChatTemplate.names()) + " or a file)");
  }
}

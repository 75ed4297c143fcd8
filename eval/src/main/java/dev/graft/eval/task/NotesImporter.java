package dev.graft.eval.task;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.graft.eval.synthetic.Dice;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.JsonLine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * augmented-clinical-notes: {@code {"idx", "note", "full_note", "conversation", "summary"}} a line, where "summary" is a JSON text of what GPT-4
 * read out of the note. Note, right summary and wrong one are as {@code summary.yaml} tells.
 */
final class NotesImporter {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SHAPE = "a row is {\"idx\", \"note\", \"full_note\", \"conversation\", \"summary\"}";
  private static final int MIN_FACTS = 3;
  private static final int MIN_SENTENCES = 3;

  private record Form(int line, String id, String note, List<PatientForm.Sentence> sentences, String summary, List<Map<String, Object>> facts) {}

  private NotesImporter() {}

  static SourceRows read(Path file, long seed) {
    List<Form> forms = new ArrayList<>();
    Map<String, Integer> leftOut = new LinkedHashMap<>();
    int read = JsonRows.read(file, SHAPE, (line, row) -> {
      String full = row.path("full_note").isTextual() && !row.path("full_note").textValue().isBlank() ? "full_note" : "note";
      String note = JsonRows.text(file, line, row, full).strip();
      JsonNode idx = JsonRows.field(file, line, row, "idx");
      if (!idx.isValueNode() || idx.asText().isBlank()) {
        throw new DataException(file, line, "'idx' is " + (idx.isTextual() ? "blank" : JsonLine.kind(idx)) + "; it must be a text or a number");
      }
      JsonNode form = form(JsonRows.field(file, line, row, "summary"));
      if (form == null) {
        leftOut.merge("without a JSON object in 'summary'", 1, Integer::sum);
        return;
      }
      List<PatientForm.Sentence> sentences = PatientForm.sentences(form);
      String summary = told(sentences);
      List<Map<String, Object>> facts = PatientForm.facts(note, summary, sentences);
      if (sentences.size() < MIN_SENTENCES || facts.size() < MIN_FACTS) {
        leftOut.merge("with too little in 'summary'", 1, Integer::sum);
      } else {
        forms.add(new Form(line, idx.asText(), note, sentences, summary, facts));
      }
    });
    List<SourceRow> rows = new ArrayList<>();
    for (Form form : forms) {
      Map<String, JsonNode> values = new LinkedHashMap<>();
      values.put("id", TextNode.valueOf(form.id()));
      values.put("note", TextNode.valueOf(form.note()));
      values.put("summary", TextNode.valueOf(form.summary()));
      values.put("worse", TextNode.valueOf(worse(form, forms, new Dice(Dice.stream("notes", seed, form.line(), 0)))));
      values.put("facts", JSON.valueToTree(form.facts()));
      rows.add(new SourceRow(form.line(), values));
    }
    return new SourceRows(rows, read, leftOut);
  }

  /** GPT-4's text; not all of them are whole JSON, and those tell nothing. */
  private static JsonNode form(JsonNode summary) {
    try {
      JsonNode form = summary.isTextual() ? JSON.readTree(summary.textValue()) : summary;
      return form != null && form.isObject() ? form : null;
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  private static String told(List<PatientForm.Sentence> sentences) {
    return String.join(" ", sentences.stream().map(PatientForm.Sentence::text).toList());
  }

  /** Without a third of its sentences (one at least), and one of the others replaced by another patient's of the same part, where there is one. */
  private static String worse(Form form, List<Form> forms, Dice dice) {
    List<PatientForm.Sentence> kept = new ArrayList<>(form.sentences());
    for (int i = Math.max(1, kept.size() / 3); i > 0; i--) {
      kept.remove(dice.below(kept.size()));
    }
    int at = dice.below(kept.size());
    for (int attempt = 0; attempt < 20; attempt++) {
      PatientForm.Sentence mine = kept.get(at);
      List<PatientForm.Sentence> others = dice.pick(forms).sentences().stream().filter(s -> s.part().equals(mine.part()) && !s.text().equals(mine.text())).toList();
      if (!others.isEmpty()) {
        kept.set(at, others.get(0));
        break;
      }
    }
    return told(kept);
  }
}

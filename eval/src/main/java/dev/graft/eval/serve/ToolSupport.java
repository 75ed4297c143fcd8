package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.constrain.Form;
import dev.graft.trainer.template.ToolCallFormat;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** How a served model calls functions. Threads may share it. */
final class ToolSupport {
  private static final ObjectNode ANY_OBJECT = Fields.JSON.createObjectNode().put("type", "object");

  private final ToolCallFormat format;
  private final Set<Integer> shown;
  private final String last;

  ToolSupport(ToolCallFormat format, Vocabulary vocabulary) {
    this.format = format;
    shown = format.shown(vocabulary);
    last = format.last(vocabulary);
  }

  ToolCallFormat format() {
    return format;
  }

  /** Ids of the special tokens that calls are written with. */
  Set<Integer> shown() {
    return shown;
  }

  /** What an answer with calls may be: nothing else where they are forced, else also text, in which a marker begins a call and nothing else. */
  Form form(ToolUse use) {
    Form calls = calls(use);
    if (use.forced()) {
      return calls;
    }
    Form text = new Form.Free(format.openers(), format.bare());
    return new Form.OneOf(List.of(text, format.bare() ? calls : Form.sequence(text, calls)));
  }

  /** A call of one of the functions, or several as far as the format has them. Where one is forced, its schema holds, strict or not. */
  private Form calls(ToolUse use) {
    List<Form> calls = new ArrayList<>();
    for (Tool tool : use.tools()) {
      calls.add(Form.sequence(new Form.Text(tool.name() + format.middle()), arguments(use.forced() || tool.strict() ? tool.parameters() : ANY_OBJECT, tool.param())));
    }
    Form one = new Form.OneOf(calls);
    List<Form> parts = new ArrayList<>(List.of(new Form.Text(format.first()), one));
    format.next().filter(next -> use.most() > 1).ifPresent(next -> parts.add(new Form.Repeated(Form.sequence(new Form.Text(next), one))));
    parts.add(new Form.Text(last));
    return new Form.Sequence(parts);
  }

  private Form arguments(JsonNode schema, String param) {
    return format.arguments()
        .map(texts -> Form.sequence(new Form.Arguments(schema, param, texts.open(), texts.then(), texts.close()), new Form.Text(texts.end())))
        .orElseGet(() -> new Form.Json(schema, param));
  }
}

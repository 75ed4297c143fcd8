package dev.graft.eval.serve;

import dev.graft.trainer.constrain.Form;
import dev.graft.trainer.template.ToolCallFormat;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** How a served model calls functions. Threads may share it. */
final class ToolSupport {
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

  /** An answer that is a call of one of some functions, with arguments as their schemas say; several when they may be, as far as the format has them. */
  Form form(List<Tool> tools, boolean several) {
    List<Form> calls = new ArrayList<>();
    for (Tool tool : tools) {
      calls.add(Form.sequence(new Form.Text(tool.name() + format.middle()), new Form.Json(tool.parameters(), tool.param())));
    }
    Form one = new Form.OneOf(calls);
    List<Form> parts = new ArrayList<>(List.of(new Form.Text(format.first()), one));
    format.next().filter(next -> several).ifPresent(next -> parts.add(new Form.Repeated(Form.sequence(new Form.Text(next), one))));
    parts.add(new Form.Text(last));
    return new Form.Sequence(parts);
  }
}

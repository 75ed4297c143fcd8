package dev.graft.eval.synthetic.summary;

import dev.graft.eval.synthetic.prose.Chance;
import dev.graft.eval.synthetic.prose.Grammar;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** Lays a note out: as prose, under headings, or clipped. */
final class Layout {
  private final Note note;
  private final SplittableRandom random;

  private Layout(Note note, SplittableRandom random) {
    this.note = note;
    this.random = random;
  }

  /** The note as text, in one of the layouts. */
  static String of(Note note, SplittableRandom random) {
    Layout layout = new Layout(note, random);
    return switch (random.nextInt(3)) {
      case 0 -> layout.prose();
      case 1 -> layout.headed();
      default -> layout.clipped();
    };
  }

  private String say(String line) {
    return Grammar.expand(line, note.words(), random);
  }

  private String sentences(List<Line> lines) {
    List<String> out = new ArrayList<>();
    for (Line line : lines) {
      String subject = out.isEmpty() ? say("<name>|the patient|<he>") : say("<he>|<he>|the patient");
      out.add(line.sentence(subject));
    }
    return Grammar.tidy(String.join(" ", out));
  }

  private String prose() {
    List<String> first = new ArrayList<>();
    first.add(say("<name> is a <aged> <noun> {with|with a history of}") + " " + note.background() + ".");
    first.add(note.history().get(0).sentence(say("<he>|the patient")));
    note.history().stream().skip(1).forEach(line -> first.add(line.sentence(say("<he>"))));
    if (random.nextBoolean()) {
      first.add(say("{allergies|drug allergies}:") + " " + note.allergies() + ".");
    }
    note.social().forEach(line -> first.add(line.sentence(say("<he>"))));
    List<String> second = new ArrayList<>();
    second.add(sentences(note.exam()));
    second.add(sentences(note.results()));
    List<String> third = new ArrayList<>();
    third.add(sentences(note.course()));
    List<String> last = new ArrayList<>();
    last.add(sentences(note.stable()));
    last.add(say("{discharge medications|medications at discharge|new medications} are") + " " + Grammar.list(note.medications(), "and") + ".");
    if (!note.continued().isEmpty()) {
      last.add(say("<he> {continues|goes on with|will keep taking}") + " " + Grammar.list(note.continued(), "and") + ".");
    }
    if (note.stopped() != null) {
      last.add(say("{to be avoided|not allowed}:") + " " + note.stopped() + ".");
    }
    last.add(say("{discharge after " + note.days() + " days, to|destination after " + note.days() + " days in hospital|disposition on day " + note.days() + "}:") + " "
        + lower(note.disposition()) + ".");
    last.add(say("{follow-up|plan|next steps}:") + " " + lower(note.followUp()) + ".");
    last.add(sentences(note.instructions()));
    List<String> paragraphs = new ArrayList<>();
    paragraphs.add(Grammar.tidy(String.join(" ", first)));
    paragraphs.add(String.join(" ", second));
    if (random.nextBoolean()) {
      paragraphs.add(String.join(" ", third));
    } else {
      paragraphs.set(1, paragraphs.get(1) + " " + String.join(" ", third));
    }
    paragraphs.add(Grammar.tidy(String.join(" ", last)));
    return String.join("\n\n", paragraphs);
  }

  private String headed() {
    int style = random.nextInt(3);
    List<String> parts = new ArrayList<>();
    parts.add(say("DISCHARGE SUMMARY|Discharge summary|Hospital discharge note") + "\n" + say("Patient: <name>, <age> <sex>|<name>, <age>-year-old <noun>")
        + (random.nextBoolean() ? "\n" + say("Length of stay: |LOS: |Time in hospital:") + " " + note.days() + " days" : ""));
    parts.add(section(style, "Reason for admission|History of present illness|Presentation", sentences(note.history())));
    String background = Grammar.tidy(note.background()) + ".";
    parts.add(section(style, "Past medical history|Medical history|Background", background));
    String allergies = section(style, "Allergies", Grammar.tidy(note.allergies()) + ".");
    boolean early = random.nextBoolean();
    if (early) {
      parts.add(allergies);
    }
    if (!note.social().isEmpty()) {
      parts.add(section(style, "Social history|Social", sentences(note.social())));
    }
    parts.add(section(style, "Examination on admission|Physical examination|Admission examination", sentences(note.exam())));
    parts.add(section(style, "Results|Pertinent results|Key investigations", sentences(note.results())));
    parts.add(section(style, "Hospital course|Course in hospital|Course", sentences(note.course())));
    parts.add(section(style, "Condition at discharge|Discharge condition", sentences(note.stable())));
    List<String> drugs = new ArrayList<>(note.medications());
    note.continued().forEach(drug -> drugs.add("continue " + drug));
    boolean bullets = random.nextBoolean();
    parts.add(section(style, "Discharge medications|Medications at discharge",
        bullets ? "- " + String.join("\n- ", drugs) : String.join("; ", drugs) + "."));
    if (note.stopped() != null) {
      parts.add(section(style, "Stop|Avoid", Grammar.tidy(note.stopped()) + "."));
    }
    if (!early) {
      parts.add(allergies);
    }
    parts.add(section(style, "Disposition|Discharged to", note.disposition() + "."));
    parts.add(section(style, "Follow-up|Appointments|Plan", note.followUp() + ". " + sentences(note.instructions())));
    return String.join(style == 1 ? "\n" : "\n\n", parts);
  }

  private String section(int style, String names, String text) {
    String name = say(names);
    return switch (style) {
      case 0 -> name.toUpperCase(Locale.ROOT) + "\n" + text;
      case 1 -> name + ": " + text.replace("\n", "\n  ");
      default -> "## " + name + "\n" + text;
    };
  }

  private String clipped() {
    List<String> parts = new ArrayList<>();
    parts.add(say("<age><sex>, <name>.|<name>, <age><sex>.|<age> y/o <sex> (<name>).") + " " + clip(note.history(), ". "));
    parts.add(say("PMH:|Hx:|Background:") + " " + note.background() + ". " + say("Allergies:|Drug allergies:|All:") + " " + note.allergies() + ".");
    if (!note.social().isEmpty()) {
      parts.add(say("SH:|Social:") + " " + clip(note.social(), "; "));
    }
    parts.add(say("Exam:|O/E:|On adm:") + " " + clip(note.exam(), " "));
    parts.add(say("Data:|Labs/imaging:|Results:") + " " + clip(note.results(), " "));
    String bullet = Chance.pick(List.of("- ", "* ", "> "), random);
    parts.add(say("Course:|Hospital course:|Events:") + "\n" + bullet + String.join("\n" + bullet, note.course().stream().map(Line::clipped).toList()));
    parts.add(say("Discharge (day " + note.days() + "):|D/C day " + note.days() + ":|Left on day " + note.days() + ":") + " " + clip(note.stable(), ". "));
    parts.add(say("Meds:|D/C meds:|New meds:") + " " + String.join("; ", note.medications())
        + (note.continued().isEmpty() ? "" : say(". Cont:|. Unchanged:|. Home meds continued:") + " " + String.join(", ", note.continued())) + ".");
    if (note.stopped() != null) {
      parts.add(say("Stop:|Avoid:") + " " + note.stopped() + ".");
    }
    parts.add(say("Dispo:|To:|Going to:") + " " + lower(note.disposition()) + ". " + say("F/U:|Plan:|Follow-up:") + " " + note.followUp() + ". "
        + clip(note.instructions(), ". "));
    return String.join("\n", parts);
  }

  private static String clip(List<Line> lines, String joint) {
    String between = joint.startsWith(".") || joint.startsWith(";") ? joint : "." + joint;
    return String.join(between, lines.stream().map(Line::clipped).toList()) + ".";
  }

  private static String lower(String text) {
    return Character.isUpperCase(text.charAt(0)) && text.length() > 1 && Character.isLowerCase(text.charAt(1))
        ? Character.toLowerCase(text.charAt(0)) + text.substring(1) : text;
  }
}

package dev.graft.eval.synthetic.corpus;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.clinic.CaseMaker;
import dev.graft.eval.synthetic.clinic.Note;
import dev.graft.eval.synthetic.clinic.NoteWriter;
import java.util.ArrayList;
import java.util.List;

/** The kinds of rows of a corpus. */
enum CorpusKind {
  /** A clinical note. */
  NOTE(34) {
    @Override
    List<String> turns(Dice dice) {
      return List.of(note(dice).text());
    }
  },

  /** Two or three short notes, one below the other. */
  ROUND(6) {
    @Override
    List<String> turns(Dice dice) {
      List<String> notes = new ArrayList<>();
      for (int i = dice.between(2, 3); i > 0; i--) {
        notes.add(brief(dice).text());
      }
      return List.of(String.join("\n\n", notes));
    }
  },

  /** A note, and below it what of it is present, denied and past. */
  SORTED(9) {
    @Override
    List<String> turns(Dice dice) {
      Note note = dice.chance(0.5) ? note(dice) : brief(dice);
      return List.of(note.text() + "\n\n" + new NoteQuestions(note, dice).sorted());
    }
  },

  /** A paragraph of a handbook. */
  REFERENCE(9) {
    @Override
    List<String> turns(Dice dice) {
      return List.of(Reference.paragraph(dice));
    }
  },

  /** A message of a patient. */
  MESSAGE(9) {
    @Override
    List<String> turns(Dice dice) {
      return List.of(PatientMessages.message(dice));
    }
  },

  /** Questions about a note. */
  READING(24) {
    @Override
    List<String> turns(Dice dice) {
      return questions(note(dice), dice.between(2, 4), dice);
    }
  },

  /** Questions about a few sentences. */
  SENTENCES(32) {
    @Override
    List<String> turns(Dice dice) {
      return questions(brief(dice), dice.between(1, 3), dice);
    }
  },

  /** What terms mean. */
  TERMS(6) {
    @Override
    List<String> turns(Dice dice) {
      List<String> turns = new ArrayList<>();
      for (int i = dice.between(1, 3); i > 0; i--) {
        turns.addAll(Reference.question(dice));
      }
      return turns;
    }
  },

  /** A telegraphic line in plain words, or the reverse. */
  REWRITE(6) {
    @Override
    List<String> turns(Dice dice) {
      return Rewriting.turns(dice);
    }
  };

  private final int weight;

  CorpusKind(int weight) {
    this.weight = weight;
  }

  abstract List<String> turns(Dice dice);

  /** A row of a kind drawn by weight. */
  static CorpusRow make(Dice dice) {
    int[] weights = new int[values().length];
    for (CorpusKind kind : values()) {
      weights[kind.ordinal()] = kind.weight;
    }
    CorpusKind kind = values()[dice.weighted(weights)];
    return new CorpusRow(kind.name().toLowerCase(java.util.Locale.ROOT), kind.turns(dice));
  }

  private static Note note(Dice dice) {
    return NoteWriter.write(CaseMaker.general(dice), dice.between(55, 150), dice);
  }

  private static Note brief(Dice dice) {
    return NoteWriter.write(CaseMaker.brief(dice), dice.between(0, 30), dice);
  }

  private static List<String> questions(Note note, int count, Dice dice) {
    NoteQuestions asker = new NoteQuestions(note, dice);
    List<String> turns = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<String> pair = asker.ask();
      turns.add(i == 0 ? note.text() + "\n\n" + pair.get(0) : pair.get(0));
      turns.add(pair.get(1));
    }
    return turns;
  }
}

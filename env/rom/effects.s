; The sound effects: on which channel, how important, and their notes.
.include "routines.inc"
.include "sound.inc"
.include "notes.inc"

MORE = $80                      ; the next effect of the list starts with it
.define L(frames) FIRST_DURATION + (frames)

.segment "DATA"
effect_channel:
  .byte 1, 1, 3 | MORE, 2
  .byte 1, 1, 1, 0 | MORE, 3
  .byte 3 | MORE, 2
  .byte 1, 1, 1, 1
  .byte 0 | MORE, 1 | MORE, 2
  .byte 0 | MORE, 1 | MORE, 2 | MORE, 3
; a sounding effect gives way to one of the same or a higher rank
effect_ranks:
  .byte 1, 2, 2, 2
  .byte 4, 4, 5, 5, 5
  .byte 3, 3
  .byte 8, 1, 8, 6
  .byte 9, 9, 9
  .byte 9, 9, 9, 9

.define EFFECTS_A move, turn, lock, lock_thump, clear1, clear2, clear3, virus, virus_crunch, garbage, garbage_thump
.define EFFECTS_B pause, tick, choose, appear, top_out, top_out_second, top_out_bass
.define EFFECTS_C stage_clear, stage_clear_second, stage_clear_bass, stage_clear_noise
effect_low:
  .lobytes EFFECTS_A
  .lobytes EFFECTS_B
  .lobytes EFFECTS_C
effect_high:
  .hibytes EFFECTS_A
  .hibytes EFFECTS_B
  .hibytes EFFECTS_C

move:
  .byte BLIP, L(4), E6, END
turn:
  .byte CHIRP, L(5), A5, END
lock:
  .byte SNARE, L(7), 11, END
lock_thump:
  .byte THUMP, L(6), A3, END
clear1:
  .byte BELL, L(4), C5, E5, G5, L(18), C6, END
clear2:
  .byte BELL, L(4), C5, E5, G5, C6, E6, G6, L(22), C7, END
clear3:
  .byte BELL, L(4), C5, E5, G5, C6, E6, G6, C7, G6, C7, E7, L(26), G7, END
virus:
  .byte SQUEAK, L(8), E5, L(10), GS4, END
virus_crunch:
  .byte CRUNCH, L(4), 6, L(12), 9, END
garbage:
  .byte CRUNCH, L(6), 13, L(6), 12, L(12), 14, END
garbage_thump:
  .byte THUMP, L(7), E3, L(7), C3, END
pause:
  .byte BELL, L(5), G5, E5, L(16), C6, END
tick:
  .byte BLIP, L(4), A6, END
choose:
  .byte BELL, L(4), G5, L(14), D6, END
appear:
  .byte RISE, L(44), A3, END

top_out:
  .byte GLOOM, L(12), A5, GS5, G5, FS5, L(8), F5, REST, L(36), E5, END
top_out_second:
  .byte GLOOM, L(12), F5, E5, DS5, D5, L(8), CS5, REST, L(36), C5, END
top_out_bass:
  .byte LONG_BASS, L(12), D4, CS4, C4, B3, L(8), BB3, REST, L(36), A3, END

stage_clear:
  .byte LEAD, L(7), G4, C5, E5, L(14), G5, L(7), E5, G5, L(14), A5, L(7), A5, B5, L(45), C6, END
stage_clear_second:
  .byte HARMONY, L(7), E4, G4, C5, L(14), E5, L(7), C5, E5, L(14), F5, L(7), F5, G5, L(45), E5, END
stage_clear_bass:
  .byte BASS, L(21), C4, L(14), C4, G3, L(14), F4, G4, L(45), C4, END
stage_clear_noise:
  .byte SNARE, L(7), 5, 5, 5, L(14), 5, L(14), 5, L(14), 5, L(7), 5, 5, CRUNCH, L(30), 4, END

; The three viruses beside the bottle: they dance, are hurt when one of their kind dies, and gloat over a loss.
.include "ram.inc"
.include "routines.inc"
.include "drawings.inc"

HURT_FRAMES = 40
ONE_X = 24
VERSUS_X = 116
FIRST_Y = 135
VERSUS_Y = 147
ROW_PITCH = 24
SIZE = 3

.segment "CODE"

.proc show_mascots
  lda mode
  cmp #MODE_INTRO
  bne :+
  jsr calm_mascots
: ldx #2
@each:
  stx mascot
  jsr watch_mascot
  jsr show_mascot
  ldx mascot
  dex
  bpl @each
  rts
.endproc

; A level's viruses are still appearing.
.proc calm_mascots
  ldx #2
: lda virus_tally, x
  sta mascot_seen, x
  lda #0
  sta mascot_hurt, x
  dex
  bpl :-
  rts
.endproc

; X = colour: fewer of it than a frame ago?
.proc watch_mascot
  lda mascot_hurt, x
  beq :+
  dec mascot_hurt, x
: lda virus_tally, x
  cmp mascot_seen, x
  sta mascot_seen, x
  bcs @done
  lda #HURT_FRAMES
  sta mascot_hurt, x
@done:
  rts
.endproc

.proc show_mascot
  ldx mascot
  lda pause_state
  bne asleep
  lda mascot_hurt, x
  bne hurt
  jsr two_play
  bcs @dance                    ; two players share the three
  lda virus_tally, x
  bne @dance
  rts                           ; extinct
@dance:
  jsr place_mascot
  lda frame_counter
  lsr a
  ldx P1 + O_LOST
  bne :+                        ; gloating is twice as fast
  lsr a
: adc dance_phase, y
  and #15
  tax
  lda bounce, x
  clc
  adc spr_y
  sta spr_y
  lda dances, y
  jmp put_mascot
.endproc

.proc hurt
  jsr place_mascot
  lda frame_counter
  and #2
  adc spr_x
  sta spr_x
  lda hurts, y
  bne put_mascot                ; always
.endproc

.proc asleep
  jsr place_mascot
  lda sleeps, y
  ; fall through
.endproc

; A = its drawing
.proc put_mascot
  ldx #SIZE
  ldy #SIZE
  jmp put_drawing
.endproc

; Where mascot X stands, in its colours.  Y = its number.
.proc place_mascot
  txa
  tay
  clc
  adc #1
  sta spr_attr
  jsr two_play
  bcc @one
  lda #VERSUS_X
  sta spr_x
  lda #VERSUS_Y
  bne @row
@one:
  lda #ONE_X
  sta spr_x
  lda #FIRST_Y
@row:
  clc
  adc mascot_row, y
  sta spr_y
  rts
.endproc

SLEEP_X = 64
SLEEP_Y = 124
SLEEP_LOW_Y = 148               ; the middle one lower: nine sprites in a line are one too many
SLEEP_PITCH = 52

; Asleep side by side: the pause.
.proc show_sleepers
  ldx #0
@each:
  stx mascot
  inx
  stx spr_attr
  ldx mascot
  lda sleep_x, x
  sta spr_x
  lda sleep_y, x
  sta spr_y
  lda sleeps, x
  jsr put_mascot
  ldx mascot
  inx
  cpx #3
  bne @each
  rts
.endproc

.segment "DATA"
dances:
  .byte DRAWING_YELLOW_DANCE, DRAWING_RED_DANCE, DRAWING_BLUE_DANCE
hurts:
  .byte DRAWING_YELLOW_HURT, DRAWING_RED_HURT, DRAWING_BLUE_HURT
sleeps:
  .byte DRAWING_YELLOW_SLEEP, DRAWING_RED_SLEEP, DRAWING_BLUE_SLEEP
mascot_row:
  .byte 0, ROW_PITCH, 2 * ROW_PITCH
sleep_x:
  .byte SLEEP_X, SLEEP_X + SLEEP_PITCH, SLEEP_X + 2 * SLEEP_PITCH
sleep_y:
  .byte SLEEP_Y, SLEEP_LOW_Y, SLEEP_Y
dance_phase:
  .byte 0, 5, 10
bounce:
  .byte 0, 0, 0, 0, $FF, $FF, $FE, $FE, $FE, $FE, $FF, $FF, 0, 0, 0, 0

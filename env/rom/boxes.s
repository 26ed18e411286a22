; Filling fields, and text boxes: they are written into the field like cells.
.include "ram.inc"
.include "routines.inc"

.segment "CODE"

; Fields and the half pages behind them: probes beyond a field's edge find $FF.
.proc clear_fields
  lda #CELL_EMPTY
  ldx #0
: sta field1, x
  sta field2, x
  inx
  bne :-
  rts
.endproc

; A = cell
.proc fill_fields
  ldx #127
: sta field1, x
  sta field2, x
  dex
  bpl :-
  rts
.endproc

STAGE_CLEAR_AT = 1 * 8
GAME_OVER_AT = 2 * 8
STAGE_CLEAR_SIZE = 9 * 8
GAME_OVER_SIZE = 7 * 8

; Into the winner's emptied field.
.proc show_stage_clear
  ldy #127
  lda #CELL_BLANK
: sta (field), y
  dey
  bpl :-
  ldx #STAGE_CLEAR_SIZE - 1
: txa
  clc
  adc #STAGE_CLEAR_AT
  tay
  lda stage_clear_box, x
  sta (field), y
  dex
  bpl :-
  lda #LAST_ROW
  sta P + O_REDRAW
  rts
.endproc

.proc show_game_over
  ldx #GAME_OVER_SIZE - 1
: lda game_over_box, x
  sta field1 + GAME_OVER_AT, x
  sta field2 + GAME_OVER_AT, x
  dex
  bpl :-
  lda #LAST_ROW
  sta P1 + O_REDRAW
  sta P2 + O_REDRAW
  rts
.endproc

; Filling fields, and text boxes: they are written into the field like cells.
.include "ram.inc"
.include "routines.inc"

CLEAR_AT = 1 * 8
DRAW_AT = 5 * 8
GAME_OVER_AT = 2 * 8
CLEAR_SIZE = 9 * 8
DRAW_SIZE = 5 * 8
GAME_OVER_SIZE = 7 * 8
LOST_ROWS_AT = 8 * 8

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

.proc redraw_fields
  lda #LAST_ROW
  sta P1 + O_REDRAW
  sta P2 + O_REDRAW
  rts
.endproc

; A player alone has cleared the stage; of two the winner's field tells it.
.proc show_clear
  jsr two_play
  lda #<stage_clear_box
  ldx #>stage_clear_box
  bcc show_in_winners_field
  ; fall through
.endproc

.proc show_round_won
  lda round_winner
  beq show_draw
  jsr match_decided
  lda #<round_won_box
  ldx #>round_won_box
  bcc show_in_winners_field
  lda #<match_won_box
  ldx #>match_won_box
  ; fall through
.endproc

; A/X = address of a box of nine rows: into the winner's emptied field.
.proc show_in_winners_field
  sta source
  stx source + 1
  ldx #4
  lda round_winner
  cmp #2
  bne :+
  inx
: jsr point_to_field
  jsr blank_field
  ldx #CLEAR_SIZE
  lda #CLEAR_AT
  jsr write_box
  jmp redraw_fields
.endproc

.proc show_draw
  ldx #4
  jsr @field
  ldx #5
  jsr @field
  jmp redraw_fields
@field:
  jsr point_to_field
  lda #<draw_box
  sta source
  lda #>draw_box
  sta source + 1
  ldx #DRAW_SIZE
  lda #DRAW_AT
  jmp write_box
.endproc

; Two players after a top-out: the loser's lower half is blanked.
.proc show_round_lost
  ldx round_loser
  beq @told
  inx
  inx
  inx
  jsr point_to_field
  lda #CELL_BLANK
  ldy #LOST_ROWS_AT
: sta (field), y
  iny
  bpl :-
@told:
  jmp show_round_won
.endproc

.proc show_cutscene
  lda P1 + O_LEVEL
  cmp #TOP_LEVEL
  bne :+
  inc final_scene
: lda #<cutscene_box
  ldx #>cutscene_box
  jmp show_in_winners_field
.endproc

.proc show_game_over
  jsr two_play
  bcc :+
  ldx round_winner              ; what the winner was told would stick out
  inx
  inx
  inx
  jsr point_to_field
  jsr blank_field
: ldx #4
  jsr @field
  ldx #5
  jsr @field
  jmp redraw_fields
@field:
  jsr point_to_field
  lda #<game_over_box
  sta source
  lda #>game_over_box
  sta source + 1
  ldx #GAME_OVER_SIZE
  lda #GAME_OVER_AT
  ; fall through
.endproc

; A = first cell, X = cells, from (source).
.proc write_box
  clc
  adc field
  sta field
  ldy #0
: lda (source), y
  sta (field), y
  iny
  dex
  bne :-
  stx field
  rts
.endproc

.proc blank_field
  lda #CELL_BLANK
  ldy #127
: sta (field), y
  dey
  bpl :-
  rts
.endproc

; X = 4 or 5
.proc point_to_field
  stx field + 1
  lda #0
  sta field
  rts
.endproc

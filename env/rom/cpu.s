; The machine at a pad: player 2's in a game against it, player 1's in the demo.  No chance in it: the uppermost
; virus of a colour in hand with a free way from the top, over to its column, down.
.include "ram.inc"
.include "routines.inc"

.segment "CODE"

; After every frame's reading of the pads.
.proc make_pads
  lda attract
  cmp #ATTRACT_DEMO
  beq @demo
  lda vs_cpu
  beq @done
  lda mode
  cmp #MODE_PLAY
  bcs @versus
  lda p1_pressed                ; in the menus player 1 chooses for both
  sta p2_pressed
  lda p1_held
  sta p2_held
@done:
  rts
@versus:
  ldx #1
  jmp play_pad
@demo:
  lda mode
  cmp #MODE_PLAY
  bne @done
  lda p1_pressed
  and #BTN_START
  bne @end
  ldx #0
  jmp play_pad
@end:
  jmp soft_reset
.endproc

; X = player 0/1.  What it wants, as if pressed on the pad.
.proc play_pad
  stx cpu_player
  jsr wanted
  ldx cpu_player
  sta p1_held, x
  tay
  eor cpu_held
  sta cpu_changes
  tya
  and cpu_changes
  sta p1_pressed, x
  sty cpu_held
  rts
.endproc

; A = buttons
.proc wanted
  txa
  clc
  adc #>field1
  sta cpu_field + 1
  lda #0
  sta cpu_field
  ldy block_offset, x
  ldx P1 + O_ACTION, y
  bne @done
  lda P1 + O_COLOUR1, y
  ora #CELL_VIRUS
  sta cpu_first
  lda P1 + O_COLOUR2, y
  ora #CELL_VIRUS
  sta cpu_second
  lda P1 + O_X, y
  sta cpu_column
  jsr find_column
  bcc @down
  cmp cpu_column
  beq @down
  bcc @left
  lda #BTN_RIGHT
  rts
@left:
  lda #BTN_LEFT
  rts
@down:
  lda #BTN_DOWN
@done:
  rts
.endproc

; Carry set: A = column to go to.
.proc find_column
  ldy #0
@cell:
  lda (cpu_field), y
  cmp cpu_first
  beq @virus
  cmp cpu_second
  beq @virus
@next:
  iny
  bpl @cell
  clc
  rts
@virus:
  sty cpu_cell
  tya
  and #7
  tay
  lda (cpu_field), y
  cmp #CELL_EMPTY
  beq @found
  ldy cpu_cell
  bpl @next                     ; always
@found:
  tya
  cmp #7
  bcc :+
  lda #6                        ; as far right as a lying capsule goes
: sec
  rts
.endproc
